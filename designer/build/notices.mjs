import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The licence of every package that is part of what a browser is sent. */
export function thirdPartyNotices(root) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const sections = [];
  for (const [path, entry] of Object.entries(packages)) {
    if (!path || entry.dev || entry.devOptional || !existsSync(join(root, path))) continue;
    const licence = readdirSync(join(root, path)).find((name) => /^(licen[cs]e|copying)/i.test(name));
    const text = licence ? readFileSync(join(root, path, licence), 'utf8').trim() : `Licence: ${entry.license ?? 'see the package'}`;
    sections.push(`${path.replace(/^.*node_modules\//, '')} ${entry.version}\n\n${text}`);
  }
  const inStudio = readFileSync(join(root, 'studio/licences.txt'), 'utf8').trim();
  return ['The MailFlow console is built with these packages.', ...sections, inStudio].join(`\n\n${'-'.repeat(80)}\n\n`) + '\n';
}
