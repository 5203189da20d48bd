import { notifications } from '@mantine/notifications';
import { messageOf } from '../api/problem';

const closeButtonProps = { 'aria-label': 'Dismiss' };

export function toast(message: string) {
  notifications.show({ message, color: 'teal', autoClose: 4000, closeButtonProps });
}

export function toastError(error: unknown) {
  notifications.show({ title: 'That did not work', message: messageOf(error), color: 'red', autoClose: 8000, closeButtonProps });
}
