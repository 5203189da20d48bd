import { notifications } from '@mantine/notifications';
import { messageOf } from '../api/problem';

export function toast(message: string) {
  notifications.show({ message, color: 'teal', autoClose: 4000 });
}

export function toastError(error: unknown) {
  notifications.show({ title: 'That did not work', message: messageOf(error), color: 'red', autoClose: 8000 });
}
