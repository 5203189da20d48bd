import { Anchor, Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { Moment } from '../../ui/Moment';
import { count } from '../../ui/numbers';
import { pathOf, type JourneyItem } from '../journeys';
import { StateBadge } from '../StateBadge';

/** Journeys with their numbers; `actions` gives the buttons of a row. */
export function JourneyTable({ journeys, actions }: { journeys: JourneyItem[]; actions?: (journey: JourneyItem) => ReactNode }) {
  return (
    <Table.ScrollContainer minWidth={860}>
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Journey</Table.Th>
            <Table.Th>State</Table.Th>
            <Table.Th className="numbers">Entered</Table.Th>
            <Table.Th className="numbers">In it now</Table.Th>
            <Table.Th className="numbers">Completed</Table.Th>
            <Table.Th className="numbers">Failed</Table.Th>
            <Table.Th className="numbers">E-mails, 7 days</Table.Th>
            <Table.Th>Changed</Table.Th>
            {actions && <Table.Th aria-label="Actions" w={48} />}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {journeys.map((journey) => (
            <Table.Tr key={journey.definition_id}>
              <Table.Td maw={380}>
                <Anchor component={Link} to={`${pathOf(journey.definition_id)}/${journey.state === 'draft' ? 'design' : 'live'}`} size="sm" fw={500}>{journey.name || journey.definition_id}</Anchor>
                {journey.description && <Text size="xs" className="one-line faint">{journey.description}</Text>}
              </Table.Td>
              <Table.Td><StateBadge journey={journey} /></Table.Td>
              <Table.Td className="numbers">{count(journey.stats.entered)}</Table.Td>
              <Table.Td className="numbers">{count(journey.stats.waiting)}</Table.Td>
              <Table.Td className="numbers">{count(journey.stats.completed)}</Table.Td>
              <Table.Td className="numbers"><Text span inherit c={journey.stats.faulted > 0 ? 'red' : undefined} fw={journey.stats.faulted > 0 ? 600 : undefined}>{count(journey.stats.faulted)}</Text></Table.Td>
              <Table.Td className="numbers">{count(journey.stats.emails_7d)}</Table.Td>
              <Table.Td style={{ whiteSpace: 'nowrap' }}><Text size="sm" className="faint"><Moment at={journey.updated_at} /></Text></Table.Td>
              {actions && <Table.Td>{actions(journey)}</Table.Td>}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
