import { Anchor, List, Paper, Text, ThemeIcon, Title } from '@mantine/core';
import { IconArrowRight } from '@tabler/icons-react';
import { Link } from 'react-router';
import { useMay, type Role } from '../session/session';

const steps: { to: string; title: string; text: string; role: Role }[] = [
  { to: '/journeys/welcome-series/live', title: 'Look at a journey', text: 'The welcome series, as it is drawn, with the contacts in it.', role: 'viewer' },
  { to: '/journeys?new', title: 'Make your own', text: 'From nothing, or from one of the samples.', role: 'editor' },
  { to: '/templates', title: 'Write your mails', text: 'Templates say what a mail holds; journeys say who gets it and when.', role: 'editor' },
  { to: '/settings/sender', title: 'Say who you are', text: 'The name, the address and the postal address that your mail carries.', role: 'admin' },
];

/** What to do first, of what one may do. */
export function FirstSteps() {
  const may = { viewer: useMay('viewer'), editor: useMay('editor'), publisher: useMay('publisher'), admin: useMay('admin') };
  return (
    <Paper withBorder p="md">
      <Title order={2} mb="xs">First steps</Title>
      <List spacing="xs" center icon={<ThemeIcon size={20} radius="xl" variant="light"><IconArrowRight size={13} /></ThemeIcon>}>
        {steps.filter(({ role }) => may[role]).map(({ to, title, text }) => (
          <List.Item key={to}>
            <Anchor component={Link} to={to} fw={500} size="sm">{title}</Anchor>
            <Text size="sm" className="faint">{text}</Text>
          </List.Item>
        ))}
      </List>
    </Paper>
  );
}
