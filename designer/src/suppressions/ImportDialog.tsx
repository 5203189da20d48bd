import { Alert, Button, FileInput, Group, Modal, Stack, Table, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { refuse, type Schemas } from '../api/client';
import { toast } from '../ui/toast';

type Report = Schemas['ImportReport'];

async function send(file: File, dryRun: boolean): Promise<Report> {
  const answer = await fetch(`/api/v1/suppressions/import${dryRun ? '?dry_run=true' : ''}`, { method: 'POST', headers: { 'Content-Type': 'text/csv' }, body: file });
  return answer.ok ? await answer.json() as Report : refuse(answer);
}

/** A file is looked at first; only what was reported is then taken. */
export function ImportDialog({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [file, setFile] = useState<File | null>(null);
  const look = useMutation({ mutationFn: (chosen: File) => send(chosen, true) });
  const take = useMutation({
    mutationFn: (chosen: File) => send(chosen, false),
    onSuccess: (report) => {
      toast(`${report.added} added, ${report.changed} changed.`);
      onDone();
      onClose();
    },
  });
  const report = look.data;
  return (
    <Modal opened onClose={onClose} title="Import suppressions" size="lg">
      <Stack>
        <Text size="sm">A CSV file with a heading: email and, as wanted, scope, reason, source, at, expires_at, detail.</Text>
        <FileInput label="File" placeholder="Choose a file" accept=".csv,text/csv" value={file} onChange={(chosen) => {
          setFile(chosen);
          look.reset();
          if (chosen) look.mutate(chosen);
        }} />
        {report && (
          <Alert color={report.rejected === 0 ? 'teal' : 'yellow'}>
            {report.added} new, {report.changed} to change, {report.unchanged} known already, {report.rejected} that cannot be taken.
          </Alert>
        )}
        {report && report.errors.length > 0 && (
          <Table>
            <Table.Thead><Table.Tr><Table.Th>Line</Table.Th><Table.Th>Column</Table.Th><Table.Th>Problem</Table.Th></Table.Tr></Table.Thead>
            <Table.Tbody>
              {report.errors.slice(0, 50).map((error) => <Table.Tr key={`${error.line}/${error.field}`}><Table.Td>{error.line}</Table.Td><Table.Td>{error.field}</Table.Td><Table.Td>{error.problem}</Table.Td></Table.Tr>)}
            </Table.Tbody>
          </Table>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>Cancel</Button>
          <Button disabled={!file || !report} loading={look.isPending || take.isPending} onClick={() => { if (file) take.mutate(file); }}>Import</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
