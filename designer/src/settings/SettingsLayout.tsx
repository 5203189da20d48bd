import { Tabs } from '@mantine/core';
import { Outlet, useLocation, useNavigate } from 'react-router';
import { useMay } from '../session/session';
import { PageHeader } from '../ui/PageHeader';
import { Empty } from '../ui/states';

export function SettingsLayout() {
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const isAdmin = useMay('admin');
  return (
    <div className="page">
      <PageHeader title="Settings" />
      {isAdmin ? (
        <>
          <Tabs value={pathname.split('/')[2] ?? 'sender'} onChange={(value) => void navigate(`/settings/${value}`)} mb="md">
            <Tabs.List aria-label="Settings">
              <Tabs.Tab value="sender">Sender</Tabs.Tab>
              <Tabs.Tab value="domains">Sending domains</Tabs.Tab>
              <Tabs.Tab value="connections">Connections</Tabs.Tab>
              <Tabs.Tab value="webhooks">Webhooks</Tabs.Tab>
              <Tabs.Tab value="purposes">Purposes</Tabs.Tab>
              <Tabs.Tab value="users">People</Tabs.Tab>
              <Tabs.Tab value="api-keys">API keys</Tabs.Tab>
              <Tabs.Tab value="audit">Audit</Tabs.Tab>
              <Tabs.Tab value="cluster">Cluster</Tabs.Tab>
            </Tabs.List>
          </Tabs>
          <Outlet />
        </>
      ) : <Empty title="Settings are for administrators">Ask one of them if something here has to change.</Empty>}
    </div>
  );
}
