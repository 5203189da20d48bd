import { Alert, Button, Center, Paper, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Navigate, useLocation, useNavigate } from 'react-router';
import { messageOf, Problem } from '../api/problem';
import { Brand } from '../shell/Brand';
import { useTitle } from '../ui/useTitle';
import { signIn, useSession } from './session';

export function SignInPage() {
  useTitle('Sign in');
  const queries = useQueryClient();
  const navigate = useNavigate();
  const location = useLocation();
  const from = (location.state as { from?: string } | null)?.from ?? '/';
  const session = useSession();
  const form = useForm({ initialValues: { email: '', password: '' }, validate: { email: required, password: required } });
  const signingIn = useMutation({
    mutationFn: (values: typeof form.values) => signIn(values.email.trim(), values.password),
    meta: { quiet: true },
    onSuccess: async (session) => {
      queries.setQueryData(['session'], session);
      await navigate(from, { replace: true });
    },
  });
  if (session.data && !signingIn.isPending) return <Navigate to={from} replace />;

  return (
    <Center mih="100dvh" p="md" component="main">
      <Paper withBorder p="xl" w={380} shadow="xs">
        <form onSubmit={form.onSubmit((values) => signingIn.mutate(values))} noValidate>
          <Stack>
            <Brand />
            <Title order={1} size="h2">Sign in</Title>
            {signingIn.error && <Alert color="red" role="alert">{refusal(signingIn.error)}</Alert>}
            <TextInput label="E-mail" type="email" autoComplete="username" autoFocus {...form.getInputProps('email')} />
            <PasswordInput label="Password" autoComplete="current-password" {...form.getInputProps('password')} />
            <Button type="submit" fullWidth loading={signingIn.isPending}>Sign in</Button>
            <Text size="xs" className="faint">
              First time here? The user <b>admin@localhost</b> and its password were made at the first start; the password is in the file <b>admin.password</b> in the
              server’s data directory.
            </Text>
          </Stack>
        </form>
      </Paper>
    </Center>
  );
}

function required(value: string) {
  return value.trim() ? null : 'Fill this in';
}

function refusal(error: unknown) {
  if (error instanceof Problem && error.status === 401) return 'The e-mail or the password is wrong.';
  if (error instanceof Problem && error.status === 429) return 'Too many attempts. Wait a minute, then try again.';
  return messageOf(error);
}
