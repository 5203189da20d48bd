import { Button, FileInput, Group, Modal, Radio, ScrollArea, Stack, Tabs, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { IconFile, IconSparkles, IconUpload } from '@tabler/icons-react';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { call } from '../../api/call';
import { api, data, type Schemas } from '../../api/client';
import { keyOf } from '../../ui/keyOf';
import { emptyJourney } from '../elsa';
import { pathOf } from '../journeys';

export function NewJourneyDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="New journey" size="lg">
      <Tabs defaultValue="empty" keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="empty" leftSection={<IconFile size={16} />}>Empty</Tabs.Tab>
          <Tabs.Tab value="sample" leftSection={<IconSparkles size={16} />}>From a sample</Tabs.Tab>
          <Tabs.Tab value="file" leftSection={<IconUpload size={16} />}>From a file</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="empty"><FromNothing onClose={onClose} /></Tabs.Panel>
        <Tabs.Panel value="sample"><FromSample onClose={onClose} /></Tabs.Panel>
        <Tabs.Panel value="file"><FromFile onClose={onClose} /></Tabs.Panel>
      </Tabs>
    </Modal>
  );
}

/** Makes the journey, then opens it in the designer. */
function useMake(make: () => Promise<string>) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: make,
    onSuccess: async (id) => {
      await queries.invalidateQueries({ queryKey: ['journeys', 'list'] });
      await navigate(`${pathOf(id)}/design`);
    },
  });
}

async function freeKey(name: string) {
  const taken = new Set((await call<{ items: { definition_id: string }[] }>('GET', '/journeys', { query: { limit: 1000 } })).items.map((item) => item.definition_id));
  const key = keyOf(name) || 'journey';
  let free = key;
  for (let number = 2; taken.has(free); number++) free = `${key}-${number}`;
  return free;
}

function Buttons({ onClose, disabled, loading }: { onClose: () => void; disabled: boolean; loading: boolean }) {
  return (
    <Group justify="flex-end" mt="md">
      <Button variant="default" onClick={onClose}>Cancel</Button>
      <Button type="submit" disabled={disabled} loading={loading}>Create</Button>
    </Group>
  );
}

function FromNothing({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const make = useMake(async () => {
    const id = await freeKey(name);
    await call('PUT', `/journeys/${id}`, { body: emptyJourney(id, name.trim()) });
    return id;
  });
  return (
    <form onSubmit={(event) => { event.preventDefault(); make.mutate(); }}>
      <TextInput label="Name" description="What colleagues know it by, such as “Welcome new customers”." data-autofocus value={name} onChange={(event) => setName(event.currentTarget.value)} />
      <Buttons onClose={onClose} disabled={!name.trim()} loading={make.isPending} />
    </form>
  );
}

function FromSample({ onClose }: { onClose: () => void }) {
  const { data: samples } = useQuery({ queryKey: ['samples'], queryFn: async () => (await data(api.GET('/api/v1/samples'))).items });
  const [chosen, setChosen] = useState<string | null>(null);
  const [name, setName] = useState('');
  const make = useMake(async () => {
    const made = await call<Schemas['CopiedJourney']>('POST', `/samples/${encodeURIComponent(chosen!)}/copy`, { body: { name: name.trim() } });
    return made.definition_id;
  });
  const choose = (id: string) => {
    setChosen(id);
    setName(`Copy of ${samples?.find((sample) => sample.id === id)?.name ?? id}`);
  };
  return (
    <form onSubmit={(event) => { event.preventDefault(); make.mutate(); }}>
      <Radio.Group aria-label="Sample" value={chosen} onChange={choose}>
        <ScrollArea.Autosize mah={300}>
          <Stack gap="xs">
            {samples?.map((sample) => (
              <Radio.Card key={sample.id} value={sample.id} p="sm" radius="md">
                <Group wrap="nowrap" align="flex-start">
                  <Radio.Indicator />
                  <div>
                    <Text size="sm" fw={500}>{sample.name}</Text>
                    <Text size="xs" className="faint">{sample.description}</Text>
                  </div>
                </Group>
              </Radio.Card>
            ))}
          </Stack>
        </ScrollArea.Autosize>
      </Radio.Group>
      {chosen && <TextInput mt="md" label="Name" value={name} onChange={(event) => setName(event.currentTarget.value)} />}
      <Buttons onClose={onClose} disabled={!chosen || !name.trim()} loading={make.isPending} />
    </form>
  );
}

function FromFile({ onClose }: { onClose: () => void }) {
  const [file, setFile] = useState<File | null>(null);
  const make = useMake(async () => {
    const text = await file!.text();
    let definition: { definitionId?: unknown; name?: unknown };
    try {
      definition = JSON.parse(text) as typeof definition;
    } catch {
      throw new Error('This file is not JSON.');
    }
    const name = typeof definition.name === 'string' ? definition.name : file!.name.replace(/\.json$/i, '');
    const id = await freeKey(typeof definition.definitionId === 'string' ? definition.definitionId : name);
    await call('PUT', `/journeys/${encodeURIComponent(id)}`, { body: { ...definition, definitionId: id } });
    return id;
  });
  return (
    <form onSubmit={(event) => { event.preventDefault(); make.mutate(); }}>
      <FileInput label="File" description="A workflow definition in Elsa’s JSON, such as one that was exported here." accept="application/json,.json" placeholder="Choose a file" value={file} onChange={setFile} />
      <Buttons onClose={onClose} disabled={!file} loading={make.isPending} />
    </form>
  );
}
