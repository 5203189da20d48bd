import { Checkbox, PasswordInput, Select, Stack, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import type { ConnectionValues } from './ConnectionForm';
import type { ProviderSetting } from './connections';

interface Props {
  setting: ProviderSetting;
  form: UseFormReturnType<ConnectionValues>;
  /** Whether it is a secret that the server has. */
  isSet: boolean;
}

/** One of a provider's settings, as the server describes it. */
export function SettingField({ setting, form, isSet }: Props) {
  const { name, label, hint, required, secret, choices } = setting;
  const field = { ...form.getInputProps(`settings.${name}`), label, description: hint, required: required === true && !isSet };
  if (secret === true) {
    const password = <PasswordInput autoComplete="new-password" placeholder={isSet ? 'Set. Leave empty to keep it.' : ''} {...field} disabled={form.values.removed.includes(name)} />;
    if (!isSet || required === true) return password;
    return (
      <Stack gap={6}>
        {password}
        <Checkbox size="xs" label={`Remove it: ${label}`} checked={form.values.removed.includes(name)}
          onChange={({ currentTarget }) => form.setFieldValue('removed', currentTarget.checked ? [...form.values.removed, name] : form.values.removed.filter((each) => each !== name))} />
      </Stack>
    );
  }
  if (choices) return <Select data={choices} allowDeselect={false} {...field} required={false} />;
  return <TextInput placeholder={setting.default ?? ''} {...field} />;
}
