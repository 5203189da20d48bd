import { createBrowserRouter } from 'react-router';
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
                  { path: 'mailbox', lazy: async () => ({ Component: (await import('./mailbox/MailboxPage')).MailboxPage }) },
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
