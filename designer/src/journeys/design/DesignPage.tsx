import { useParams } from 'react-router';
import classes from './design.module.css';
import { useStudio } from './useStudio';

/** Elsa Studio on this journey, in a document of its own. */
export function DesignPage() {
  const { id = '' } = useParams();
  useStudio();
  return <iframe key={id} className={classes.studio} title="Designer" src={`/studio/?definition=${encodeURIComponent(id)}`} />;
}
