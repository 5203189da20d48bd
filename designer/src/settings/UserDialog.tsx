import { Button, Group, Modal, PasswordInput, Radio, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { call } from '../api/call';
import type { Schemas } from '../api/client';
import { fieldErrors, messageOf } from '../api/problem';
import { toast } from '../ui/toast';
import { roles } from './roles';

/** Adds a person, or changes one. */
export function UserDialog({ user, onClose }: { user: Schemas['ConsoleUser'] | null; onClose: () => void }) {
  const queries = useQueryClient();
  const form = useForm({ initialValues: { name: user?.name ?? '', email: user?.email ?? '', role: user?.role ?? 'editor', password: '' } });
  const save = useMutation({
    mutationFn: ({ password, ...values }: typeof form.values) => {
      const body = { ...values, ...(password && { password }) };
      return user ? call('PUT', `/users/${user.id}`, { body }) : call('POST', '/users', { body });
    },
    meta: { quiet: true },
    onSuccess: async () => {
      toast(user ? 'Saved.' : 'They can sign in now.');
      onClose();
      await queries.invalidateQueries({ queryKey: ['users'] });
    },
    onError: (error) => {
      const errors = fieldErrors(error);
      form.setErrors(Object.keys(errors).length > 0 ? errors : { email: messageOf(error) });
    },
  });
  return (
    <Modal opened onClose={onClose} title={user ? user.name : 'Add a person'}>
      <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
        <Stack>
          <TextInput label="Name" data-autofocus {...form.getInputProps('name')} />
          <TextInput label="E-mail" required autoComplete="off" {...form.getInputProps('email')} />
          <Radio.Group label="Role" {...form.getInputProps('role')}>
            <Stack gap="xs" mt={6}>{roles.map(({ value, label, description }) => <Radio key={value} value={value} label={label} description={description} />)}</Stack>
          </Radio.Group>
          <PasswordInput label={user ? 'New password' : 'Password'} description={user ? 'Empty: the password stays.' : 'At least 12 characters. Hand it over by a safe way.'} required={!user} autoComplete="new-password" {...form.getInputProps('password')} />
          <Group justify="flex-end"><Button variant="default" onClick={onClose}>Cancel</Button><Button type="submit" loading={save.isPending}>Save</Button></Group>
        </Stack>
      </form>
    </Modal>
  );
}
