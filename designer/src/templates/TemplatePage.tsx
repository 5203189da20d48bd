import { useQuery } from '@tanstack/react-query';
import { useLocation, useParams } from 'react-router';
import { api, data } from '../api/client';
import { Problem } from '../api/problem';
import { Failure, Loading } from '../ui/states';
import { draftOf, freshDraft, startingHtml, startingMjml } from './template';
import { TemplateEditor } from './TemplateEditor';

/** A template, or a new one where there is none under the key yet. */
export function TemplatePage() {
  const { key = '' } = useParams();
  const kind = (useLocation().state as { kind?: 'visual' | 'code' } | null)?.kind;
  const template = useQuery({
    queryKey: ['templates', 'one', key],
    queryFn: () => data(api.GET('/api/v1/templates/{key}', { params: { path: { key } } })),
    enabled: kind === undefined,
    staleTime: Infinity,
  });
  if (kind) return <TemplateEditor templateKey={key} saved={null} initial={kind === 'visual' ? { ...freshDraft, design: startingMjml } : { ...freshDraft, html: startingHtml, layout: 'layout' }} />;
  if (template.error) return <div className="page"><Failure error={template.error instanceof Problem && template.error.status === 404 ? new Error('There is no such template.') : template.error} /></div>;
  if (template.isPending) return <Loading />;
  return <TemplateEditor key={`${key}/${template.data.version}`} templateKey={key} saved={template.data} initial={draftOf(template.data)} />;
}
