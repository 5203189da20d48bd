import type { Schemas } from '../../api/client';

export const domainsKey = ['domains'];

export type CheckState = Schemas['SendingDomain']['state'];

/** What each check is called, and what it is for, in a marketer's words. */
export const checkNames: Record<string, { title: string; about: string }> = {
  spf: { title: 'SPF', about: 'Who may send for the domain' },
  dkim: { title: 'DKIM', about: 'The signature that proves a mail is yours' },
  dmarc: { title: 'DMARC', about: 'What receivers do with mail that is not yours' },
  mail: { title: 'Answers and bounces', about: 'Whether mail to the domain arrives' },
  relay: { title: 'Relay', about: 'Whether your mail server has a proper name' },
  tracking: { title: 'Links', about: 'The host that links in your mail lead to' },
};
