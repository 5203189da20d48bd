import { newRow, objectOf, parseObject, written, type Row } from './payload';

/** A made-up contact as a form holds it, or as JSON. */
export interface ContactForm {
  form: 'fields' | 'json';
  email: string;
  firstName: string;
  lastName: string;
  country: string;
  timeZone: string | null;
  tags: string[];
  agreed: string[];
  refused: string[];
  attributes: Row[];
  json: string;
}

const noFields = { email: '', firstName: '', lastName: '', country: '', timeZone: null, tags: [], agreed: [], refused: [], attributes: [] };

export const blankContact: ContactForm = {
  ...noFields, form: 'fields', email: 'ada@example.org', firstName: 'Ada', timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone, agreed: ['marketing'], json: '{}',
};

/** The fields as the API takes them; an error names what is wrong. */
export function fieldsOf(contact: ContactForm): Record<string, unknown> {
  if (contact.form === 'json') return parseObject(contact.json, 'The contact');
  const { email, firstName, lastName, country, timeZone, tags, agreed, refused, attributes } = contact;
  const fields = { email: email.trim(), first_name: firstName.trim(), last_name: lastName.trim(), time_zone: timeZone, country: country.trim() };
  const consents = Object.fromEntries([...agreed.map((purpose) => [purpose, true]), ...refused.map((purpose) => [purpose, false])] as [string, boolean][]);
  return {
    ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value)),
    ...(tags.length > 0 && { tags }),
    ...(Object.keys(consents).length > 0 && { consents }),
    ...objectOf(attributes),
  };
}

/** The same in the other form; null where the JSON cannot be read. */
export function turnedContact(contact: ContactForm, form: ContactForm['form']): ContactForm | null {
  if (form === contact.form) return contact;
  if (form === 'json') return { ...contact, form, json: JSON.stringify(fieldsOf(contact), null, 2) };
  let fields: Record<string, unknown>;
  try {
    fields = parseObject(contact.json, '');
  } catch {
    return null;
  }
  const { email, first_name, last_name, country, time_zone, tags, consents, attributes, ...others } = fields;
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  const answers = Object.entries((consents ?? {}) as Record<string, unknown>);
  const rows = Object.entries({ ...((attributes ?? {}) as Record<string, unknown>), ...others });
  return {
    ...contact, form,
    email: text(email), firstName: text(first_name), lastName: text(last_name), country: text(country), timeZone: text(time_zone) || null,
    tags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [],
    agreed: answers.filter(([, given]) => given === true).map(([purpose]) => purpose),
    refused: answers.filter(([, given]) => given === false).map(([purpose]) => purpose),
    attributes: rows.map(([name, value]) => newRow(name, written(value))),
  };
}
