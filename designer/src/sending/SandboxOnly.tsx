import { Anchor, List, Paper, Text, Title } from '@mantine/core';
import { Link } from 'react-router';

const steps = [
  { to: '/settings/connections', title: 'Connect a provider', text: 'An account at SendGrid, Amazon SES, Mailgun or Postmark, or a mail server that speaks SMTP.' },
  { to: '/settings/domains', title: 'Set up your domain', text: 'The records that have Gmail, Yahoo and Microsoft take mail from it.' },
  { to: '/settings/sender', title: 'Say who you are, and warm the domain up', text: 'A new domain is trusted with little. Once the connection is there, its warm-up is begun on this page.' },
];

/** For an account whose mail reaches nobody: that all is well, and what to do to send. */
export function SandboxOnly({ isAdmin }: { isAdmin: boolean }) {
  return (
    <Paper withBorder p="md">
      <Title order={2} mb={4}>All mail is captured</Title>
      <Text size="sm" mb={isAdmin ? 'sm' : 0}>The sandbox takes your mail, and it reaches nobody: you find it in the <Anchor component={Link} to="/mailbox" size="sm" underline="always">mailbox</Anchor>. There is nothing to do.{isAdmin ? ' To send for real:' : ' To send for real, an administrator connects a provider.'}</Text>
      {isAdmin && <List type="ordered" spacing="xs" size="sm">
        {steps.map(({ to, title, text }) => (
          <List.Item key={to}>
            <Anchor component={Link} to={to} fw={500} size="sm">{title}</Anchor>
            <Text size="sm" className="faint">{text}</Text>
          </List.Item>
        ))}
      </List>}
    </Paper>
  );
}
