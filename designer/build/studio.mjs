// Puts Elsa Studio's files and our page for it into <output>/studio/<version>/.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { packFolder } from './pack.mjs';

const weights = [400, 500, 700];

export function buildStudio(root, output) {
  const source = join(root, 'node_modules/@elsa-workflows/elsa-studio-wasm');
  const { version } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
  const studio = join(output, 'studio');
  const target = join(studio, version);
  for (const old of existsSync(studio) ? readdirSync(studio) : []) if (old !== version) rmSync(join(studio, old), { recursive: true });
  if (!existsSync(join(target, '.complete'))) copyStudio(source, target);

  rmSync(join(target, 'own'), { recursive: true, force: true });
  const own = join(target, 'own');
  mkdirSync(own, { recursive: true });
  for (const weight of weights) cpSync(join(root, `node_modules/@fontsource/roboto/files/roboto-latin-${weight}-normal.woff2`), join(own, `roboto-${weight}.woff2`));
  const style = [fontFaces(), readFileSync(join(root, 'studio/studio.css'), 'utf8'), activityStyles(root)].join('\n');
  const page = readFileSync(join(root, 'studio/index.html'), 'utf8')
    .replaceAll('{version}', version)
    .replace('{style}', writeHashed(own, 'studio.css', style))
    .replace('{script}', writeHashed(own, 'studio.js', readFileSync(join(root, 'studio/studio.js'), 'utf8')));
  writeFileSync(join(target, 'index.html'), page);
  packFolder(target, ['own']);
}

/** Raw and brotli; the .gz twins would serve nobody, since every browser that runs Studio takes brotli. */
function copyStudio(source, target) {
  rmSync(target, { recursive: true, force: true });
  const wanted = (file) => !/\.(gz|map|map\.br)$/.test(file) && !['index.html', 'package.json'].includes(basename(file));
  cpSync(source, target, { recursive: true, filter: (file) => file === source || wanted(file) });
  writeFileSync(join(target, 'appsettings.json'), '{}');
  rmSync(join(target, 'appsettings.json.br'), { force: true });
  writeFileSync(join(target, '.complete'), '');
}

function writeHashed(folder, name, content) {
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 10);
  const file = name.replace('.', `.${hash}.`);
  writeFileSync(join(folder, file), content);
  return `own/${file}`;
}

function fontFaces() {
  return weights.map((weight) => `@font-face { font-family: Roboto; font-weight: ${weight}; font-display: swap; src: url(roboto-${weight}.woff2) format("woff2"); }`).join('\n');
}

/** Studio compiles icons and colours in, for Elsa's own types only: ours are drawn over its nodes, and over what its picker offers (marked by studio.js). */
function activityStyles(root) {
  const activities = JSON.parse(readFileSync(join(root, 'activities.json'), 'utf8'));
  return Object.entries(activities)
    .map(([type, { icon, color }]) => {
      const svg = readFileSync(join(root, `node_modules/@tabler/icons/icons/outline/${icon}.svg`), 'utf8').replace(/<!--[\s\S]*?-->/g, '').replace(/\s+/g, ' ').trim();
      const offer = `[data-activity="${type}"]`;
      const node = `elsa-activity-wrapper[activity-json*='"type":"${type}"']`;
      return [
        `${node}, ${offer} { --activity-icon: url("data:image/svg+xml,${encodeURIComponent(svg)}"); }`,
        `${node} .elsa-activity { --elsa-activity-accent: ${color} !important; }`,
        `${node} .activity-icon::before { display: block; }`,
        `${node} .activity-icon > svg { display: none; }`,
        `${offer} > div::before { display: block; background: ${color}; }`,
        `${offer} svg { display: none; }`,
      ].join('\n');
    })
    .join('\n');
}
