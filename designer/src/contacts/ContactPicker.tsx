import { Select, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { nameOf, useContacts } from './contacts';

interface Props {
  label: string;
  placeholder?: string;
  description?: string;
  hideLabel?: boolean;
  /** The contact's user id. */
  value: string | null;
  onChange: (userId: string | null) => void;
  w?: number;
}

/** Finds a contact by the beginning of its e-mail, user id or name. */
export function ContactPicker({ label, placeholder = 'E-mail, user id or name', description, hideLabel = false, value, onChange, w }: Props) {
  const [search, setSearch] = useState('');
  const [sought] = useDebouncedValue(search.trim(), 250);
  const contacts = useContacts(sought === value ? '' : sought);
  const found = contacts.items.slice(0, 20).map((contact) => ({ value: contact.user_id, label: contact.user_id, about: [nameOf(contact), contact.email].filter(Boolean).join(' · ') }));
  const data = value && !found.some((item) => item.value === value) ? [...found, { value, label: value, about: '' }] : found;
  return (
    <Select {...(hideLabel ? { 'aria-label': label } : { label })} placeholder={placeholder} description={description} searchable clearable data={data} value={value} onChange={onChange} {...(w !== undefined && { w })}
      searchValue={search} onSearchChange={setSearch} filter={({ options }) => options} nothingFoundMessage={contacts.isFetching ? 'Searching…' : 'No contact is like that'}
      renderOption={({ option }) => <div style={{ minWidth: 0 }}><Text size="sm" className="one-line">{option.label}</Text><Text size="xs" className="faint one-line">{(option as { about?: string }).about}</Text></div>} />
  );
}
