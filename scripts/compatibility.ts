/** Writes the tables of docs/compatibility.md anew from the program's own; the notes are kept. `npx tsx scripts/compatibility.ts` */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderCompatibility } from '../tests/support/compatibility.ts';

const path = join(import.meta.dirname, '..', 'docs', 'compatibility.md');
writeFileSync(path, renderCompatibility(readFileSync(path, 'utf8')));
