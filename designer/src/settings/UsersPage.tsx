import { ActionIcon, Badge, Button, Group, Menu, Paper, Table, Text } from '@mantine/core';
import { modals } from '@mantine/modals';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { IconDots, IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { call } from '../api/call';
import { api, data, type Schemas } from '../api/client';
import { useList } from '../api/useList';
import { Moment } from '../ui/Moment';
import { More } from '../ui/More';
import { Failure, RowsLoading } from '../ui/states';
import { toast } from '../ui/toast';
import { roles } from './roles';
import { UserDialog } from './UserDialog';

type User = Schemas['ConsoleUser'];

const key = ['users'];

export function UsersPage() {
  const queries = useQueryClient();
  const users = useList<User>(key, (cursor) => data(api.GET('/api/v1/users', { params: { query: { limit: 100, ...(cursor && { cursor }) } } })));
  const [edited, setEdited] = useState<User | 'new' | null>(null);
  const change = useMutation({
    mutationFn: ({ user, disabled }: { user: User; disabled: boolean }) => call('PUT', `/users/${user.id}`, { body: { disabled } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: key }),
  });
  const remove = useMutation({
    mutationFn: (user: User) => call('DELETE', `/users/${user.id}`),
    onSuccess: async () => {
      toast('The user was removed.');
      await queries.invalidateQueries({ queryKey: key });
    },
  });
  const confirm = (user: User) => modals.openConfirmModal({
    title: `Remove ${user.name}?`,
    children: <Text size="sm">They are signed out and cannot sign in any more. What they made stays.</Text>,
    labels: { confirm: 'Remove', cancel: 'Cancel' },
    confirmProps: { color: 'red' },
    onConfirm: () => remove.mutate(user),
  });
  return (
    <>
      <Group justify="flex-end" mb="sm"><Button leftSection={<IconPlus size={16} />} onClick={() => setEdited('new')}>Add a person</Button></Group>
      <Paper withBorder>
        {users.error ? <Failure error={users.error} /> : users.isPending ? <RowsLoading rows={3} /> : (
          <Table.ScrollContainer minWidth={520}>
            <Table>
              <Table.Thead><Table.Tr><Table.Th>Name</Table.Th><Table.Th>Role</Table.Th><Table.Th>Last signed in</Table.Th><Table.Th aria-label="Actions" /></Table.Tr></Table.Thead>
              <Table.Tbody>
                {users.items.map((user) => (
                  <Table.Tr key={user.id}>
                    <Table.Td><Text size="sm" fw={500}>{user.name} {user.disabled && <Badge color="gray" variant="light" tt="none">Disabled</Badge>}</Text><Text size="xs" className="faint">{user.email}</Text></Table.Td>
                    <Table.Td>{roles.find((role) => role.value === user.role)?.label}</Table.Td>
                    <Table.Td><Moment at={user.last_sign_in_at} /></Table.Td>
                    <Table.Td ta="right">
                      <Menu position="bottom-end" withinPortal>
                        <Menu.Target><ActionIcon variant="subtle" color="gray" aria-label={`More for ${user.name}`}><IconDots size={18} /></ActionIcon></Menu.Target>
                        <Menu.Dropdown>
                          <Menu.Item onClick={() => setEdited(user)}>Change</Menu.Item>
                          <Menu.Item onClick={() => change.mutate({ user, disabled: !user.disabled })}>{user.disabled ? 'Enable' : 'Disable'}</Menu.Item>
                          <Menu.Item color="red" onClick={() => confirm(user)}>Remove</Menu.Item>
                        </Menu.Dropdown>
                      </Menu>
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
        <More query={users} />
      </Paper>
      {edited && <UserDialog user={edited === 'new' ? null : edited} onClose={() => setEdited(null)} />}
    </>
  );
}
