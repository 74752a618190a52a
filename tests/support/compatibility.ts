/**
 * The tables of docs/compatibility.md, made from the program's own tables: what stands there as built is built.
 *
 * A table begins with the line `<!-- table: name -->`. Its rows are the names that the program has, and those it does not
 * have that the page lists with "no". Notes, and "partly", are written by hand and kept by name.
 */
import { COMMANDS } from '../../src/commands/command_table.ts';
import { REFUSED_COMMANDS } from '../../src/commands/refused_commands.ts';
import { isPlugin } from '../../src/database/index_kinds/kinds.ts';
import { ACCUMULATOR_BY_NAME, UNBUILT_ACCUMULATORS } from '../../src/query/accumulator/accumulators.ts';
import { EXPRESSION_OPERATOR_BY_NAME } from '../../src/query/expression/operators.ts';
import {
  DOCUMENT_OPERATOR_BY_NAME,
  FIELD_OPERATOR_BY_NAME,
  UNBUILT_DOCUMENT_OPERATORS,
} from '../../src/query/match/operators.ts';
import { STAGE_BY_NAME, UNBUILT_STAGES } from '../../src/query/pipeline/stages.ts';
import { MODIFIER_BY_NAME } from '../../src/query/update/modifiers.ts';
import { WINDOW_FUNCTION_BY_NAME } from '../../src/query/window/window_functions.ts';

interface Names {
  readonly built: Iterable<string>;
  /** Known to the program, which refuses them by name. */
  readonly refused: Iterable<string>;
}

const NONE: readonly string[] = [];

const PLUGINS = ['hashed', 'text', '2d', '2dsphere'];

const TABLES: ReadonlyMap<string, Names> = new Map([
  [
    'commands',
    {
      built: COMMANDS.filter((command) => !REFUSED_COMMANDS.includes(command)).flatMap(({ name, aliases }) => [
        name,
        ...(aliases ?? []),
      ]),
      refused: REFUSED_COMMANDS.map(({ name }) => name),
    },
  ],
  ['stages', { built: STAGE_BY_NAME.keys(), refused: UNBUILT_STAGES.keys() }],
  [
    'filter operators',
    {
      built: [...FIELD_OPERATOR_BY_NAME.keys(), ...DOCUMENT_OPERATOR_BY_NAME.keys()],
      refused: UNBUILT_DOCUMENT_OPERATORS,
    },
  ],
  ['update operators', { built: MODIFIER_BY_NAME.keys(), refused: NONE }],
  ['expression operators', { built: EXPRESSION_OPERATOR_BY_NAME.keys(), refused: NONE }],
  ['accumulators', { built: ACCUMULATOR_BY_NAME.keys(), refused: UNBUILT_ACCUMULATORS }],
  ['window functions', { built: WINDOW_FUNCTION_BY_NAME.keys(), refused: NONE }],
  ['index plugins', { built: PLUGINS.filter(isPlugin), refused: NONE }],
]);

interface Row {
  readonly status: string;
  readonly notes: string;
}

const MARK = /^<!-- table: (.+) -->$/;
const ROW = /^\| `([^`]+)` +\| (yes|partly|no) *\| ?(.*?) *\|$/;

/** The page with its tables as they have to be. Throws for a table that the program does not have, or one that is missing. */
export function renderCompatibility(page: string): string {
  const lines = page.split('\n');
  const output: string[] = [];
  const seen = new Set<string>();
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    output.push(line);
    const name = MARK.exec(line)?.[1];
    if (name === undefined) continue;
    const names = TABLES.get(name);
    if (names === undefined) throw new Error(`there is no table of ${name}`);
    seen.add(name);
    const rows = new Map<string, Row>();
    while (lines[at + 1] === '' || lines[at + 1]?.startsWith('|') === true) {
      const match = ROW.exec(lines[at + 1] ?? '');
      if (match !== null) rows.set(match[1] ?? '', { status: match[2] ?? '', notes: match[3] ?? '' });
      at += 1;
    }
    output.push('', ...renderTable(names, rows), '');
  }
  const missing = [...TABLES.keys()].filter((name) => !seen.has(name));
  if (missing.length > 0) throw new Error(`the page has no table of ${missing.join(', ')}`);
  return output.join('\n');
}

function renderTable({ built, refused }: Names, written: ReadonlyMap<string, Row>): string[] {
  const rows: [name: string, Row][] = [];
  const has = new Set(built);
  for (const name of has) {
    const row = written.get(name);
    // What was missing and is there now needs no excuse.
    const isKnown = row !== undefined && row.status !== 'no';
    rows.push([name, isKnown ? row : { status: 'yes', notes: '' }]);
  }
  const absent = new Set([
    ...refused,
    ...[...written].filter(([, { status }]) => status === 'no').map(([name]) => name),
  ]);
  for (const name of absent)
    if (!has.has(name)) rows.push([name, { status: 'no', notes: written.get(name)?.notes ?? '' }]);
  rows.sort(([a], [b]) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
  const cells = rows.map(([name, { status, notes }]) => [`\`${name}\``, status, notes]);
  const widths = [0, 1, 2].map((i) => Math.max(...cells.map((cell) => cell[i]?.length ?? 0), 6));
  const lineOf = (cell: readonly string[]): string =>
    `| ${cell.map((text, i) => text.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [lineOf(['name', 'built', 'notes']), lineOf(widths.map((width) => '-'.repeat(width))), ...cells.map(lineOf)];
}
