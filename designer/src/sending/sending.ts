import { queryOptions } from '@tanstack/react-query';
import { api, data, type Schemas } from '../api/client';
import { fieldErrors } from '../api/problem';

export type SendingState = Schemas['SendingState'];
export type RouteState = Schemas['RouteState'];
export type Stream = Schemas['MessageStream'];

export const sendingKey = ['sending'];

/** How mail leaves at this moment; asked again while it is looked at. */
export const sendingQuery = queryOptions({ queryKey: [...sendingKey, 'state'], queryFn: () => data(api.GET('/api/v1/sending')), refetchInterval: 10_000 });

export const streams: { value: Stream; label: string }[] = [
  { value: 'marketing', label: 'Marketing' },
  { value: 'transactional', label: 'Transactional' },
];

const kinds: Record<string, string> = { sandbox: 'Sandbox', smtp: 'SMTP', sendgrid: 'SendGrid', ses: 'Amazon SES', mailgun: 'Mailgun', postmark: 'Postmark' };

/** What people call a kind of provider; only administrators may read the server's own list. */
export function kindName(type: string) {
  return kinds[type] ?? type;
}

export function connectionSubject(key: string) {
  return `connection:${key}`;
}

/** "connection:main" as "Connection main". */
export function describeSubject(subject: string) {
  if (subject === 'sender') return 'Mail';
  const [what = '', ...name] = subject.split(':');
  return `${what.charAt(0).toUpperCase()}${what.slice(1)} ${name.join(':')}`;
}

const wholePercent = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 0 });
const finePercent = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 2 });

/** What share of all weights one of them is. */
export function share(weight: number, all: number[]) {
  const sum = all.reduce((total, each) => total + each, 0);
  return wholePercent.format(sum === 0 ? 0 : weight / sum);
}

export function rate(value: number) {
  return finePercent.format(value);
}

/** The errors of a form whose rows the server names like limits[2].mailbox. */
export function rowErrors(error: unknown) {
  return Object.fromEntries(Object.entries(fieldErrors(error)).map(([field, text]) => [field.replace(/\[(\d+)\]/g, '.$1'), text]));
}
