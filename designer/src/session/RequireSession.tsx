import { Navigate, Outlet, useLocation } from 'react-router';
import { Failure, Loading } from '../ui/states';
import { useSession } from './session';

/** Everything behind it needs a signed-in user; others are asked to sign in and come back. */
export function RequireSession() {
  const { data, isPending, error, refetch } = useSession();
  const location = useLocation();
  if (isPending) return <Loading />;
  if (error) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data) return <Navigate to="/sign-in" state={{ from: location.pathname + location.search }} replace />;
  return <Outlet />;
}
