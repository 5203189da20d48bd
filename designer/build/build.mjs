// Builds the console into a folder (default: ../artifacts/console): what the server serves, with a packed twin of each file.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { lockFolder } from './lock.mjs';
import { packFolder } from './pack.mjs';
import { buildStudio } from './studio.mjs';
import { thirdPartyNotices } from './notices.mjs';

const root = resolve(import.meta.dirname, '..');
const output = resolve(process.argv[2] ?? join(root, '../artifacts/console'));
const run = (file, ...args) => execFileSync(process.execPath, [join(root, 'node_modules', file), ...args], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });

mkdirSync(output, { recursive: true });
const release = lockFolder(output);
try {
  installPackages();
  run('openapi-typescript/bin/cli.js', '../docs/openapi.json', '-o', 'src/api/schema.d.ts');
  run('typescript/bin/tsc', '--noEmit');
  rmSync(join(output, 'assets'), { recursive: true, force: true });
  run('vite/bin/vite.js', 'build', '--outDir', output, '--logLevel', 'warn');
  packFolder(output, ['assets']);
  buildStudio(root, output);
  writeFileSync(join(output, 'third-party-notices.txt'), thirdPartyNotices(root));
  writeFileSync(join(output, '.built'), '');
} finally {
  release();
}

function installPackages() {
  const [lock, installed] = [join(root, 'package-lock.json'), join(root, 'node_modules/.installed-lock')];
  if (existsSync(installed) && readFileSync(lock, 'utf8') === readFileSync(installed, 'utf8')) return;
  const windows = process.platform === 'win32';
  execFileSync(windows ? 'npm.cmd' : 'npm', ['ci', '--no-audit', '--no-fund'], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], shell: windows });
  cpSync(lock, installed);
}
