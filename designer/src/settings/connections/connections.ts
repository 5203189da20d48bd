import { queryOptions } from '@tanstack/react-query';
import { api, data, type Schemas } from '../../api/client';

export type ProviderKind = Schemas['ProviderKind'];
export type ProviderSetting = Schemas['ProviderSetting'];
export type Connection = Schemas['Connection'];

export const connectionsKey = ['connections'];

export const connectionsQuery = queryOptions({ queryKey: connectionsKey, queryFn: () => data(api.GET('/api/v1/connections')) });

export const kindsQuery = queryOptions({ queryKey: ['provider-types'], queryFn: () => data(api.GET('/api/v1/provider-types')), staleTime: Infinity });

/** What each kind is, for who has to choose. */
export const kindAbout: Record<string, string> = {
  sandbox: 'Keeps mail in the mailbox here and sends none.',
  smtp: 'Any mail server that takes your mail, your own or your host’s.',
  sendgrid: 'Twilio SendGrid, by its API.',
  ses: 'Amazon’s, by its API; reports come through SNS.',
  mailgun: 'Mailgun, by its API.',
  postmark: 'Postmark, by its API; known for transactional mail.',
};

/** Where the provider is told of the webhook. */
export const webhookHelp: Record<string, string> = {
  sendgrid: 'In SendGrid: Settings, Mail Settings, Event Webhooks. Enter it as the post URL, choose all events and switch Signature Verification on; the public key shown there goes into the form below.',
  ses: 'In AWS: give the configuration set an event destination that publishes to an SNS topic, name the topic in the form below, and subscribe this address to it over HTTPS with raw message delivery off. The subscription is confirmed by itself.',
  mailgun: 'In Mailgun: Sending, Webhooks. Enter it for each event of the domain; the signing key shown there goes into the form below.',
  postmark: 'In Postmark: the message stream, Webhooks. Enter it once for each stream, choose all events, and use the secret of the form below as the password of its basic authentication.',
  smtp: 'Have the mailbox of the return path post each bounce to it as it came, with the secret of the form below in the header “Authorization: Bearer”.',
};
