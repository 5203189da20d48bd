import { useMemo, useState } from 'react';

/** A mail's HTML as it looks. Sandboxed without scripts: a mail is foreign text. Same-origin, so that its height can be measured. */
export function MailFrame({ html, title, minHeight = 240 }: { html: string; title: string; minHeight?: number }) {
  const [height, setHeight] = useState(minHeight);
  const shown = useMemo(() => withoutRelative(html), [html]);
  return (
    <iframe className="mail-frame" title={title} sandbox="allow-same-origin" srcDoc={shown} style={{ height }}
      onLoad={(event) => setHeight(Math.max(minHeight, (event.currentTarget.contentDocument?.documentElement.scrollHeight ?? 0) + 4))} />
  );
}

const loading = ['src', 'srcset', 'background', 'poster'];

/** The mail without what it would load from a relative address: in a mailbox that leads nowhere, here it would lead to this server. */
function withoutRelative(html: string): string {
  const mail = new DOMParser().parseFromString(html, 'text/html');
  let isChanged = false;
  for (const element of mail.querySelectorAll('[src], [srcset], [background], [poster], link[href]'))
    for (const name of element.localName === 'link' ? ['href'] : loading) {
      const address = element.getAttribute(name)?.trim();
      if (!address || /^([a-z][a-z\d+.-]*:|\/\/)/i.test(address)) continue;
      element.removeAttribute(name);
      isChanged = true;
    }
  return isChanged ? `${mail.doctype ? '<!doctype html>' : ''}${mail.documentElement.outerHTML}` : html;
}
