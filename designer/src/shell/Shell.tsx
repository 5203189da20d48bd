import { AppShell, Box, Burger, Group, NavLink, ScrollArea } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconHome, IconInbox, IconMailOff, IconRoute, IconSend, IconSettings, IconTemplate, IconUsers, IconUsersGroup } from '@tabler/icons-react';
import { Suspense } from 'react';
import { Link, Outlet, useLocation } from 'react-router';
import { AccountMenu } from '../session/AccountMenu';
import { useMay } from '../session/session';
import { Loading } from '../ui/states';
import { Brand } from './Brand';

const places = [
  { to: '/', label: 'Home', icon: IconHome },
  { to: '/journeys', label: 'Journeys', icon: IconRoute },
  { to: '/contacts', label: 'Contacts', icon: IconUsers },
  { to: '/segments', label: 'Segments', icon: IconUsersGroup },
  { to: '/templates', label: 'Templates', icon: IconTemplate },
  { to: '/mailbox', label: 'Mailbox', icon: IconInbox },
  { to: '/sending', label: 'Sending', icon: IconSend },
  { to: '/suppressions', label: 'Suppressions', icon: IconMailOff },
  { to: '/settings', label: 'Settings', icon: IconSettings },
];

/** The frame of every page: where one can go, who one is. */
export function Shell() {
  const [opened, { toggle, close }] = useDisclosure();
  const { pathname } = useLocation();
  const isAdmin = useMay('admin');
  const isHere = (to: string) => (to === '/' ? pathname === '/' : pathname === to || pathname.startsWith(`${to}/`));
  return (
    <AppShell navbar={{ width: 216, breakpoint: 'sm', collapsed: { mobile: !opened } }} header={{ height: { base: 52, sm: 0 } }}>
      <a href="#content" className="skip">Skip to the content</a>
      <AppShell.Header hiddenFrom="sm">
        <Group h="100%" px="md">
          <Burger opened={opened} onClick={toggle} size="sm" aria-label="Navigation" />
          <Brand />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm">
        <Box px="xs" py="sm" visibleFrom="sm"><Brand /></Box>
        <AppShell.Section grow component={ScrollArea} mt="xs">
          <Box component="nav" aria-label="Main">
            {places.filter(({ to }) => to !== '/settings' || isAdmin).map(({ to, label, icon: Icon }) => (
              <NavLink key={to} component={Link} to={to} label={label} active={isHere(to)} aria-current={isHere(to) ? 'page' : undefined} onClick={close}
                leftSection={<Icon size={18} stroke={1.7} />} style={{ borderRadius: 'var(--mantine-radius-md)' }} mb={2} />
            ))}
          </Box>
        </AppShell.Section>
        <AppShell.Section><AccountMenu /></AppShell.Section>
      </AppShell.Navbar>
      <AppShell.Main id="content">
        <Suspense fallback={<Loading />}>
          <Outlet />
        </Suspense>
      </AppShell.Main>
    </AppShell>
  );
}
