import { useParams } from 'react-router';
import { Failure, RowsLoading } from '../../ui/states';
import { useDefinition } from '../useDefinition';
import { RulesForm } from './RulesForm';

export function OverviewPage() {
  const { id = '' } = useParams();
  const { data: definition, isPending, error, refetch } = useDefinition(id);
  if (isPending) return <RowsLoading />;
  if (error) return <Failure error={error} onRetry={() => void refetch()} />;
  return <RulesForm key={definition.version} definition={definition} />;
}
