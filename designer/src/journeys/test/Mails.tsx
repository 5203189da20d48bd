import { Accordion, Group, Text } from '@mantine/core';
import { MailFrame } from '../../ui/MailFrame';
import { Empty } from '../../ui/states';
import { dayOf } from './Result';
import type { Simulation } from './simulation';

export function Mails({ mails, startsAt }: { mails: Simulation['mails']; startsAt: string }) {
  if (mails.length === 0) return <Empty title="No mail would be sent" />;
  return (
    <Accordion variant="separated" keepMounted={false}>
      {mails.map((mail, index) => (
        <Accordion.Item key={index} value={String(index)}>
          <Accordion.Control>
            <Group gap="sm" wrap="nowrap">
              <Text size="xs" className="faint" w={54} style={{ flexShrink: 0 }}>{dayOf(mail.at, startsAt)}</Text>
              <div style={{ minWidth: 0 }}>
                <Text size="sm" fw={500} className="one-line">{mail.subject}</Text>
                <Text size="xs" className="faint">{mail.template} → {mail.to}</Text>
              </div>
            </Group>
          </Accordion.Control>
          <Accordion.Panel><MailFrame html={mail.html} title={`Mail: ${mail.subject}`} /></Accordion.Panel>
        </Accordion.Item>
      ))}
    </Accordion>
  );
}
