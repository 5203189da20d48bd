import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useNavigate, useParams } from 'react-router';
import classes from './design.module.css';

interface StudioMessage {
  source: 'mailflow-studio';
  kind: 'ready' | 'saved' | 'signed-out' | 'instance' | 'definition';
  id?: string;
}

/** Elsa Studio on this journey, in a document of its own. */
export function DesignPage() {
  const { id = '' } = useParams();
  const queries = useQueryClient();
  const navigate = useNavigate();
  useEffect(() => {
    const listen = (event: MessageEvent) => {
      const message = event.data as StudioMessage | undefined;
      if (event.origin !== window.location.origin || message?.source !== 'mailflow-studio') return;
      if (message.kind === 'saved') void queries.invalidateQueries({ queryKey: ['journeys'] });
      if (message.kind === 'instance' && message.id) void navigate(`/instances/${message.id}`);
      if (message.kind === 'definition' && message.id) void navigate(`/journeys/${encodeURIComponent(message.id)}/design`);
    };
    window.addEventListener('message', listen);
    return () => window.removeEventListener('message', listen);
  }, [queries, navigate]);
  return <iframe key={id} className={classes.studio} title="Designer" src={`/studio/?definition=${encodeURIComponent(id)}`} />;
}
