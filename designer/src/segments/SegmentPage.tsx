import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation, useParams } from 'react-router';
import { api, data } from '../api/client';
import { Problem } from '../api/problem';
import { Failure, Loading } from '../ui/states';
import { SegmentEditor } from './SegmentEditor';

/** A segment, or a new one where there is none under the key yet. */
export function SegmentPage() {
  const { key = '' } = useParams();
  const proposed = (useLocation().state as { name?: string } | null)?.name;
  const [round, setRound] = useState(0);
  const segment = useQuery({
    queryKey: ['segments', 'one', key],
    queryFn: () => data(api.GET('/api/v1/segments/{key}', { params: { path: { key } } })),
    enabled: proposed === undefined,
  });
  if (proposed !== undefined) return <SegmentEditor segmentKey={key} name={proposed} rule="" saved={null} onReload={() => undefined} />;
  if (segment.error) return <div className="page"><Failure error={segment.error instanceof Problem && segment.error.status === 404 ? new Error('There is no such segment.') : segment.error} /></div>;
  if (segment.isPending) return <Loading />;
  const reload = async () => {
    await segment.refetch();
    setRound(round + 1);
  };
  return <SegmentEditor key={`${key}/${round}`} segmentKey={key} saved={segment.data} name={segment.data.name} rule={segment.data.rule} onReload={() => void reload()} />;
}
