import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

// V8 says nothing to the program about a flag that it does not know, but complains on the standard error.
it('sets a flag that this version of Node knows', () => {
  const module = fileURLToPath(new URL('collector.ts', import.meta.url));
  const script = `(await import(${JSON.stringify(module)})).collectOnlyWhenNeeded();`;
  const options = ['--import', 'tsx', '--input-type=module', '-e', script];
  const { status, stderr } = spawnSync(process.execPath, options, { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
