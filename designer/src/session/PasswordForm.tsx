import { Button, Group, PasswordInput, Stack } from '@mantine/core';
import { useForm } from '@mantine/form';
import { modals } from '@mantine/modals';
import { useMutation } from '@tanstack/react-query';
import { refuse } from '../api/client';
import { fieldErrors } from '../api/problem';
import { toast } from '../ui/toast';

export function PasswordForm() {
  const form = useForm({
    initialValues: { current: '', new: '', again: '' },
    validate: { again: (value, values) => (value === values.new ? null : 'The two differ') },
  });
  const change = useMutation({
    mutationFn: async (values: typeof form.values) => {
      const answer = await fetch('/api/v1/session/password', {
        method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ current: values.current, new: values.new }),
      });
      if (!answer.ok) await refuse(answer);
    },
    onSuccess: () => {
      modals.closeAll();
      toast('Your password was changed.');
    },
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  return (
    <form onSubmit={form.onSubmit((values) => change.mutate(values))}>
      <Stack>
        <PasswordInput label="Current password" autoComplete="current-password" required {...form.getInputProps('current')} />
        <PasswordInput label="New password" autoComplete="new-password" required {...form.getInputProps('new')} />
        <PasswordInput label="New password again" autoComplete="new-password" required {...form.getInputProps('again')} />
        <Group justify="flex-end">
          <Button variant="default" onClick={() => modals.closeAll()}>Cancel</Button>
          <Button type="submit" loading={change.isPending}>Change password</Button>
        </Group>
      </Stack>
    </form>
  );
}
