import { count } from '../../ui/numbers';

/** What an action of the record is called. */
export const actions: Record<string, string> = {
  'journey.save': 'Saved a journey',
  'journey.publish': 'Published a journey',
  'journey.unpublish': 'Stopped a journey',
  'journey.pause': 'Paused a journey',
  'journey.resume': 'Resumed a journey',
  'journey.discard': 'Threw a draft away',
  'journey.delete': 'Deleted a journey',
  'instance.start': 'Put a contact into a journey',
  'instance.retry': 'Tried a failed step again',
  'instance.skip': 'Skipped a failed step',
  'instance.move': 'Moved a contact to another step',
  'instance.cancel': 'Took a contact out of a journey',
  'template.put': 'Saved a template',
  'segment.put': 'Saved a segment',
  'segment.delete': 'Deleted a segment',
  'suppression.add': 'Suppressed an address',
  'suppression.remove': 'Lifted a suppression',
  'sender.put': 'Changed the sender',
  'user.create': 'Added a person',
  'user.change': 'Changed a person',
  'user.delete': 'Removed a person',
  'user.reset': 'Reset the administrator',
  'api_key.create': 'Made an API key',
  'api_key.revoke': 'Revoked an API key',
  'webhook_endpoint.create': 'Added a webhook',
  'webhook_endpoint.change': 'Changed a webhook',
  'webhook_endpoint.delete': 'Deleted a webhook',
  'webhook_endpoint.disable': 'Disabled a webhook',
  'webhook_endpoint.rotate_secret': 'Gave a webhook a new secret',
  'webhook_endpoint.replay': 'Replayed a period to a webhook',
  'webhook_delivery.replay': 'Sent a fact to a webhook again',
  'dead_letter.replay': 'Played a dead letter again',
};

export const actionOf = (action: string) => actions[action] ?? wordsOf(action);

/** "reply_to" as "Reply to". */
export function wordsOf(name: string) {
  const words = name.replace(/[._]/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A value of the details as a person writes it. */
export function show(value: unknown): string {
  if (value === null || value === undefined || value === '') return '–';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return count(value);
  if (Array.isArray(value)) return value.map(show).join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
