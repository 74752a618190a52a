/** Golden scripts of the protocol: each `.txt` beside this file shows one rule. `UPDATE=1` rewrites what they gave. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCommand } from './commands.ts';
import { parseScript, renderScript } from './script.ts';
import { World } from './world.ts';

const SCRIPTS = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.txt'));

test.each(SCRIPTS)('%s', (name) => {
  const path = join(import.meta.dirname, name);
  const text = readFileSync(path, 'utf8');
  const world = new World();
  const results = parseScript(text).map((block) => {
    const output = block.commands.flatMap((command) => runCommand(world, command));
    return { block, output };
  });
  const actual = renderScript(results);
  if (process.env['UPDATE'] === '1') writeFileSync(path, actual);
  else expect(actual).toBe(text);
});
