import { Box, Paper, ScrollArea, Stack, Text, TextInput, UnstyledButton } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { Link, useSearchParams } from 'react-router';
import { Button } from '@mantine/core';
import { Moment } from '../ui/Moment';
import { More } from '../ui/More';
import { PageHeader } from '../ui/PageHeader';
import { Empty, Failure, RowsLoading } from '../ui/states';
import { MailView } from './MailView';
import { useMailbox, type CapturedEmail } from './mailbox';
import classes from './mailbox.module.css';

/** What the sandbox captured instead of sending it. */
export function MailboxPage() {
  const [query, setQuery] = useSearchParams();
  const to = query.get('to') ?? '';
  const [sought] = useDebouncedValue(to.trim(), 300);
  const mails = useMailbox(sought, 4000);
  const chosen = mails.items.find((mail) => mail.id === query.get('mail')) ?? mails.items[0];
  const change = (name: string, value: string) => setQuery((old) => {
    if (value) old.set(name, value);
    else old.delete(name);
    return old;
  }, { replace: true });

  return (
    <div className="page-wide">
      <PageHeader title="Mailbox" about="Mail that the sandbox kept back instead of sending it, the newest first." />
      <Paper withBorder className={classes.frame}>
        <Box className={classes.list}>
          <TextInput aria-label="Search by address" placeholder="Whole address, such as ada@example.org" leftSection={<IconSearch size={16} />} m="xs" value={to} onChange={(event) => change('to', event.currentTarget.value)} />
          <ScrollArea style={{ flex: 1 }} viewportProps={{ tabIndex: 0, role: 'region', 'aria-label': 'Mails' }}>
            {mails.isPending ? <RowsLoading height={54} /> : mails.items.map((mail) => (
              <Row key={mail.id} mail={mail} chosen={mail === chosen} onChoose={() => change('mail', mail.id)} />
            ))}
            <More query={mails} />
          </ScrollArea>
        </Box>
        <Box className={classes.mail}>
          {mails.error ? <Failure error={mails.error} onRetry={() => void mails.refetch()} /> : chosen ? <MailView key={chosen.id} mail={chosen} /> : !mails.isPending && (
            <Empty title={sought ? 'No mail to this address' : 'No mail yet'} action={!sought && <Button component={Link} to="/">Send a sample event</Button>}>
              {sought ? 'The address must be given in full.' : 'As soon as a journey sends a mail through the sandbox, it can be read here.'}
            </Empty>
          )}
        </Box>
      </Paper>
    </div>
  );
}

function Row({ mail, chosen, onChoose }: { mail: CapturedEmail; chosen: boolean; onChoose: () => void }) {
  return (
    <UnstyledButton className={classes.row} data-chosen={chosen || undefined} aria-pressed={chosen} onClick={onChoose}>
      <Stack gap={1}>
        <Text size="sm" fw={600} className="one-line">{mail.subject || '(no subject)'}</Text>
        <Text size="xs" className="one-line faint">{mail.to}</Text>
        <Text size="xs" className="faint"><Moment at={mail.at} /></Text>
      </Stack>
    </UnstyledButton>
  );
}
