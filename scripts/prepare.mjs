/**
 * Makes a fresh clone ready: installs packages when they are missing or older than the lock file, and compiles `src/`
 * into `dist/` when a source is newer. Plain JavaScript, because it runs before anything is installed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const at = (...parts) => join(root, ...parts);

function run(title, command, args) {
  process.stderr.write(`${title} …\n`);
  // npm hands its own command line to scripts; started anew, so that it works from any shell.
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (result.status !== 0) {
    process.stderr.write(`${title} failed\n`);
    process.exit(result.status ?? 1);
  }
}

const modifiedMs = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

function newestMs(folder) {
  let newest = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) newest = Math.max(newest, modifiedMs(join(entry.parentPath, entry.name)));
  }
  return newest;
}

if (modifiedMs(at('node_modules', '.package-lock.json')) < modifiedMs(at('package-lock.json'))) {
  run('Installing packages', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}
const builtMs = modifiedMs(at('dist', '.built'));
const sourcesMs = Math.max(newestMs(at('src')), modifiedMs(at('package.json')), modifiedMs(at('tsconfig.build.json')));
if (builtMs < sourcesMs) {
  run('Compiling', process.execPath, [at('node_modules', 'typescript', 'bin', 'tsc'), '-p', at('tsconfig.build.json')]);
  const { writeFileSync } = await import('node:fs');
  writeFileSync(at('dist', '.built'), '');
}
