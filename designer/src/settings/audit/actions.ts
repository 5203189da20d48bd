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
  'template.test': 'Sent a test mail',
  'segment.put': 'Saved a segment',
  'segment.delete': 'Deleted a segment',
  'suppression.add': 'Suppressed an address',
  'suppression.remove': 'Lifted a suppression',
  'suppression.import': 'Imported suppressions',
  'contact.import': 'Imported contacts',
  'contact.erase': 'Erased a contact',
  'consent.grant': 'Recorded a consent',
  'consent.withdraw': 'Recorded a refusal',
  'purpose.put': 'Saved a purpose',
  'purpose.delete': 'Deleted a purpose',
  'privacy.export': 'Exported a contact’s data',
  'privacy.export.received': 'Noted a request for a copy',
  'privacy.erasure.received': 'Noted a request for erasure',
  'account.put': 'Changed the account',
  'sender.put': 'Changed the sender',
  'domain.put': 'Set a sending domain up',
  'domain.check': 'Checked a sending domain',
  'domain.delete': 'Forgot a sending domain',
  'connection.put': 'Saved a connection',
  'connection.delete': 'Deleted a connection',
  'connection.test': 'Sent a test mail by a connection',
  'sending.resume': 'Let stopped mail go on',
  'sending_policy.put': 'Changed quiet hours and cap',
  'mailbox_limits.put': 'Changed the limits by mailbox',
  'warm_up.put': 'Began a warm-up',
  'warm_up.delete': 'Ended a warm-up',
  'tracking.put': 'Changed tracking',
  'webhook.replay': 'Read a provider’s call again',
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
