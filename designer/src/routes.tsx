import { createBrowserRouter, Navigate } from 'react-router';
import { RequireSession } from './session/RequireSession';
import { SignInPage } from './session/SignInPage';
import { ErrorPage, NotFoundPage } from './shell/ErrorPage';
import { Shell } from './shell/Shell';
import { Loading } from './ui/states';

// Each page is a file of its own, read when it is first opened.
export const router = createBrowserRouter([
  {
    HydrateFallback: Loading,
    ErrorBoundary: ErrorPage,
    children: [
      { path: '/sign-in', Component: SignInPage },
      {
        Component: RequireSession,
        children: [
          {
            Component: Shell,
            children: [
              {
                ErrorBoundary: ErrorPage,
                children: [
                  { index: true, lazy: async () => ({ Component: (await import('./home/HomePage')).HomePage }) },
                  { path: 'journeys', lazy: async () => ({ Component: (await import('./journeys/list/JourneysPage')).JourneysPage }) },
                  {
                    path: 'journeys/:id',
                    lazy: async () => ({ Component: (await import('./journeys/JourneyLayout')).JourneyLayout }),
                    children: [
                      { index: true, element: <Navigate to="overview" replace /> },
                      { path: 'overview', lazy: async () => ({ Component: (await import('./journeys/overview/OverviewPage')).OverviewPage }) },
                      { path: 'design', lazy: async () => ({ Component: (await import('./journeys/design/DesignPage')).DesignPage }) },
                      { path: 'live', lazy: async () => ({ Component: (await import('./journeys/live/LivePage')).LivePage }) },
                      { path: 'test', lazy: async () => ({ Component: (await import('./journeys/test/TestPage')).TestPage }) },
                      { path: 'instances', lazy: async () => ({ Component: (await import('./journeys/instances/InstancesPage')).InstancesPage }) },
                      { path: 'versions', lazy: async () => ({ Component: (await import('./journeys/versions/VersionsPage')).VersionsPage }) },
                    ],
                  },
                  { path: 'instances/:id', lazy: async () => ({ Component: (await import('./instances/InstancePage')).InstancePage }) },
                  { path: 'mailbox', lazy: async () => ({ Component: (await import('./mailbox/MailboxPage')).MailboxPage }) },
                  { path: 'contacts', lazy: async () => ({ Component: (await import('./contacts/ContactsPage')).ContactsPage }) },
                  { path: 'contacts/:userId', lazy: async () => ({ Component: (await import('./contacts/ContactPage')).ContactPage }) },
                  { path: 'segments', lazy: async () => ({ Component: (await import('./segments/SegmentsPage')).SegmentsPage }) },
                  { path: 'segments/:key', lazy: async () => ({ Component: (await import('./segments/SegmentPage')).SegmentPage }) },
                  { path: 'templates', lazy: async () => ({ Component: (await import('./templates/TemplatesPage')).TemplatesPage }) },
                  { path: 'templates/:key', lazy: async () => ({ Component: (await import('./templates/TemplatePage')).TemplatePage }) },
                  { path: 'sending', lazy: async () => ({ Component: (await import('./sending/SendingPage')).SendingPage }) },
                  { path: 'suppressions', lazy: async () => ({ Component: (await import('./suppressions/SuppressionsPage')).SuppressionsPage }) },
                  {
                    path: 'settings',
                    lazy: async () => ({ Component: (await import('./settings/SettingsLayout')).SettingsLayout }),
                    children: [
                      { index: true, element: <Navigate to="sender" replace /> },
                      { path: 'sender', lazy: async () => ({ Component: (await import('./settings/SenderPage')).SenderPage }) },
                      { path: 'domains', lazy: async () => ({ Component: (await import('./settings/domains/DomainsPage')).DomainsPage }) },
                      { path: 'domains/:domain', lazy: async () => ({ Component: (await import('./settings/domains/DomainPage')).DomainPage }) },
                      { path: 'connections', lazy: async () => ({ Component: (await import('./settings/connections/ConnectionsPage')).ConnectionsPage }) },
                      { path: 'connections/add/:type', lazy: async () => ({ Component: (await import('./settings/connections/AddConnectionPage')).AddConnectionPage }) },
                      { path: 'connections/:key', lazy: async () => ({ Component: (await import('./settings/connections/ConnectionPage')).ConnectionPage }) },
                      { path: 'webhooks', lazy: async () => ({ Component: (await import('./settings/webhooks/WebhooksPage')).WebhooksPage }) },
                      { path: 'webhooks/:id', lazy: async () => ({ Component: (await import('./settings/webhooks/EndpointPage')).EndpointPage }) },
                      { path: 'purposes', lazy: async () => ({ Component: (await import('./settings/PurposesPage')).PurposesPage }) },
                      { path: 'users', lazy: async () => ({ Component: (await import('./settings/UsersPage')).UsersPage }) },
                      { path: 'api-keys', lazy: async () => ({ Component: (await import('./settings/ApiKeysPage')).ApiKeysPage }) },
                      { path: 'audit', lazy: async () => ({ Component: (await import('./settings/audit/AuditPage')).AuditPage }) },
                      { path: 'cluster', lazy: async () => ({ Component: (await import('./settings/cluster/ClusterPage')).ClusterPage }) },
                    ],
                  },
                  { path: '*', Component: NotFoundPage },
                ],
              },
            ],
          },
        ],
      },
    ],
  },
]);
