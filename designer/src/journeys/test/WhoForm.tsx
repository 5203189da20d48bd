import { Anchor, Group, JsonInput, SegmentedControl, Select, SimpleGrid, Stack, TagsInput, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { fieldsQuery } from '../../api/fields';
import { ContactPicker } from '../../contacts/ContactPicker';
import { toastError } from '../../ui/toast';
import { turnedContact, type ContactForm } from './contact';
import { RowsInput } from './PayloadInput';
import type { Setup } from './simulation';

const zones = Intl.supportedValuesOf('timeZone');
const own = ['email', 'first_name', 'last_name', 'time_zone', 'country', 'user_id', 'tags', 'consents', 'created_at'];

/** Whom the test is about: a contact of the account, or one made up. */
export function WhoForm({ setup, onChange }: { setup: Setup; onChange: (change: Partial<Setup>) => void }) {
  return (
    <Stack gap="sm">
      <SegmentedControl fullWidth size="xs" aria-label="Which contact" value={setup.who} onChange={(who) => onChange({ who })}
        data={[{ value: 'made', label: 'A made-up contact' }, { value: 'existing', label: 'An existing contact' }]} />
      {setup.who === 'existing'
        ? <ContactPicker label="Contact" description="The contact is copied; nothing happens to the real one." value={setup.userId} onChange={(userId) => onChange({ userId })} />
        : <MadeContact contact={setup.contact} onChange={(contact) => onChange({ contact })} />}
    </Stack>
  );
}

function MadeContact({ contact, onChange }: { contact: ContactForm; onChange: (contact: ContactForm) => void }) {
  const { data: fields } = useQuery(fieldsQuery);
  const set = (change: Partial<ContactForm>) => onChange({ ...contact, ...change });
  const purposes = [...new Set(['marketing', ...(fields?.purposes ?? [])])];
  const turn = () => {
    const next = turnedContact(contact, contact.form === 'json' ? 'fields' : 'json');
    if (next) onChange(next);
    else toastError(new Error('The contact is not a JSON object: put it right first.'));
  };
  return (
    <>
      {contact.form === 'json'
        ? <JsonInput aria-label="The contact as JSON" autosize minRows={6} maxRows={24} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 12.5 } }} value={contact.json} onChange={(json) => set({ json })} formatOnBlur validationError="This is not JSON" />
        : (
          <>
            <TextInput label="E-mail" type="email" value={contact.email} onChange={(event) => set({ email: event.currentTarget.value })} />
            <SimpleGrid cols={2} spacing="xs" verticalSpacing="sm">
              <TextInput label="First name" value={contact.firstName} onChange={(event) => set({ firstName: event.currentTarget.value })} />
              <TextInput label="Last name" value={contact.lastName} onChange={(event) => set({ lastName: event.currentTarget.value })} />
              <TextInput label="Country" placeholder="DE" value={contact.country} onChange={(event) => set({ country: event.currentTarget.value })} />
              <Select label="Time zone" searchable clearable limit={50} data={zones.includes(contact.timeZone ?? 'UTC') ? zones : [contact.timeZone!, ...zones]} value={contact.timeZone} onChange={(timeZone) => set({ timeZone })} />
            </SimpleGrid>
            <TagsInput label="Tags" data={fields?.tags ?? []} value={contact.tags} onChange={(tags) => set({ tags })} />
            <TagsInput label="Agreed to" data={purposes} value={contact.agreed} onChange={(agreed) => set({ agreed, refused: contact.refused.filter((purpose) => !agreed.includes(purpose)) })} />
            <TagsInput label="Refused" data={purposes} value={contact.refused} onChange={(refused) => set({ refused, agreed: contact.agreed.filter((purpose) => !refused.includes(purpose)) })} />
            <div>
              <Text size="sm" fw={500} mb={4}>Other attributes</Text>
              <RowsInput label="Attributes" rows={contact.attributes} onChange={(attributes) => set({ attributes })} names={fields?.contact.map((field) => field.name).filter((name) => !own.includes(name)) ?? []} />
            </div>
          </>
        )}
      <Group justify="flex-end"><Anchor component="button" type="button" size="xs" onClick={turn}>{contact.form === 'json' ? 'As a form' : 'Advanced: JSON'}</Anchor></Group>
    </>
  );
}
