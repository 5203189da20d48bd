import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useNavigate } from 'react-router';

interface StudioMessage {
  source: 'mailflow-studio';
  kind: 'ready' | 'saved' | 'signed-out' | 'instance' | 'definition';
  id?: string;
}

/** Does what Studio, in a frame of this page, asks for: a save makes what is known of journeys old, a link leads to a page of ours. */
export function useStudio() {
  const queries = useQueryClient();
  const navigate = useNavigate();
  useEffect(() => {
    const listen = (event: MessageEvent) => {
      const message = event.data as StudioMessage | undefined;
      if (event.origin !== window.location.origin || message?.source !== 'mailflow-studio') return;
      if (message.kind === 'saved') void queries.invalidateQueries({ queryKey: ['journeys'] });
      if (message.kind === 'instance' && message.id) void navigate(`/instances/${encodeURIComponent(message.id)}`);
      if (message.kind === 'definition' && message.id) void navigate(`/journeys/${encodeURIComponent(message.id)}/design`);
    };
    window.addEventListener('message', listen);
    return () => window.removeEventListener('message', listen);
  }, [queries, navigate]);
}
