import type { Schemas } from '../api/client';

export type Template = Schemas['Template'];

/** What an editor holds of a template. */
export interface Draft {
  subject: string;
  html: string;
  text: string | null;
  layout: string | null;
  stream: Schemas['MessageStream'];
  /** MJML of the visual editor; null for a template that is written as HTML. */
  design: string | null;
}

export function draftOf(template: Template): Draft {
  return { subject: template.subject, html: template.html, text: template.text, layout: template.layout, stream: template.stream, design: template.design };
}

export const freshDraft: Draft = { subject: '', html: '', text: null, layout: null, stream: 'marketing', design: null };

export const startingHtml = `<h1>Hello{{#if contact.first_name}}, {{contact.first_name}}{{/if}}</h1>
<p>Write here what you want to say.</p>
`;

export const startingMjml = `<mjml>
  <mj-head><mj-attributes><mj-all font-family="Arial, Helvetica, sans-serif" /></mj-attributes></mj-head>
  <mj-body background-color="#f4f6f8">
    <mj-section background-color="#ffffff" padding="24px">
      <mj-column>
        <mj-text font-size="22px" font-weight="700" color="#111827">Hello, {{default contact.first_name "there"}}</mj-text>
        <mj-text font-size="15px" line-height="24px" color="#374151">Write here what you want to say.</mj-text>
        <mj-button background-color="#1769c2" border-radius="6px" href="https://example.org">Have a look</mj-button>
      </mj-column>
    </mj-section>
    <mj-section padding="16px 24px">
      <mj-column>
        <mj-text font-size="12px" color="#6b7280" align="center">You get this mail because you agreed to it. <a href="{{unsubscribe_url}}">Unsubscribe</a></mj-text>
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>
`;
