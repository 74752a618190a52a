/** The program in one file, for tests that start it many times: it starts in a fraction of the time of the sources. */
import { cpSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build, type BuildOptions } from 'esbuild';

const ROOT = join(import.meta.dirname, '..', '..');

const BUILD = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: 'inline',
  // It has native code, found beside its own files.
  external: ['lmdb'],
  logLevel: 'error',
} as const satisfies BuildOptions;

/** Bundles the sources as they are now into `folder`; returns what Node runs: its arguments, then the main file. */
export async function bundleProgram(folder: string): Promise<string[]> {
  const file = join(folder, 'program.mjs');
  await build({
    entryPoints: [join(ROOT, 'src', 'cli', 'start.ts')],
    outfile: file,
    ...BUILD,
  });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'junction');
  return ['--enable-source-maps', file];
}

/** Bundles one module of the tests into `folder`, for a process of its own; returns its file. */
export async function bundleModule(entry: string, folder: string): Promise<string> {
  const outfile = join(folder, basename(entry).replace(/\.ts$/, '.mjs'));
  await build({ entryPoints: [entry], outfile, ...BUILD });
  return outfile;
}

/** Where an installed package has its programs: what Node runs for each. */
export interface BundledPackage {
  readonly quorate: readonly string[];
  readonly mongod: readonly string[];
}

/** The package's own executables over the bundled sources, laid out in `folder` as when installed. */
export async function bundlePackage(folder: string): Promise<BundledPackage> {
  cpSync(join(ROOT, 'bin'), join(folder, 'bin'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  await build({
    entryPoints: ['start.ts', 'main.ts'].map((name) => join(ROOT, 'src', 'cli', name)),
    outdir: join(folder, 'dist', 'cli'),
    splitting: true,
    ...BUILD,
  });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'junction');
  return {
    quorate: [join(folder, 'bin', 'quorate.js')],
    mongod: [join(folder, 'bin', 'compat', 'mongod')],
  };
}
