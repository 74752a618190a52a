import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { renderCompatibility } from './support/compatibility.ts';

const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'compatibility.md'), 'utf8');

describe('docs/compatibility.md', () => {
  // When this fails: `npx tsx scripts/compatibility.ts` writes the tables anew; the notes are kept.
  test('lists what the program has', () => {
    expect(renderCompatibility(page)).toBe(page);
  });

  test.each([
    ['a name that is not listed', /^\| `\$match`.*\n/m, ''],
    ['a name that is listed as missing and is there', /^(\| `\$match` +\|) yes/m, '$1 no '],
    ['a name that is listed and is not there', /^(\| `\$)match(` +\| yes)/m, '$1metch$2'],
  ])('%s is noticed', (_, found, replacement) => {
    const wrong = page.replace(found, replacement);
    expect(wrong).not.toBe(page);
    expect(renderCompatibility(wrong)).not.toBe(wrong);
  });

  test('says why for everything that is missing or different', () => {
    const silent = page.split('\n').filter((line) => /^\| `[^`]+` +\| (no|partly) *\| *\|$/.test(line));
    expect(silent).toEqual([]);
  });
});
