/** The command line of the benchmark. */
import { parseArgs } from 'node:util';
import { parseAddress } from './connection.ts';

export const USAGE = `usage: npm run bench -- [options]
Starts a set of three members as processes, measures it beside the machine's own limit, and stops it.
  --rows P1,P2,…              only these rows (default: all; "limits" means all rows of the machine itself)
  --seconds 4                 how long each measurement lasts
  --rounds 3                  measurements per row; targets take turns
  --long                      P4 runs for 60 s
  --scale 1                   shrinks the 50,000 and 200,000 document collections, for smoke tests
  --json FILE                 results as JSON, rewritten after each row
  --target NAME=HOST:PORT     a set that runs already, instead of one of our own; repeat it to compare
  --list                      lists the rows`;

const LONG_SECONDS = 60;

const SPECIFICATION = {
  target: { type: 'string', multiple: true, default: [] as string[] },
  rows: { type: 'string' },
  seconds: { type: 'string', default: '4' },
  rounds: { type: 'string', default: '3' },
  long: { type: 'boolean', default: false },
  scale: { type: 'string', default: '1' },
  json: { type: 'string' },
  list: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

export interface Options {
  readonly targets: readonly { readonly name: string; readonly address: string }[];
  readonly seconds: number;
  readonly longSeconds: number;
  readonly rounds: number;
  readonly scale: number;
  /** undefined: all. */
  readonly rows: readonly string[] | undefined;
  readonly json: string | undefined;
  readonly list: boolean;
  readonly help: boolean;
}

/** The options, checked and complete. Throws on anything that is not understood. */
export function parseOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({ args: [...argv], options: SPECIFICATION });
  const seconds = positive('--seconds', values.seconds);
  const targets = values.target.map(parseNamed);
  for (const { address } of targets) parseAddress(address);
  if (new Set(targets.map(({ name }) => name)).size !== targets.length)
    throw new Error('two targets have the same name');
  return {
    targets,
    seconds,
    longSeconds: values.long ? LONG_SECONDS : seconds,
    rounds: Math.ceil(positive('--rounds', values.rounds)),
    scale: positive('--scale', values.scale),
    rows: values.rows?.split(',').filter(Boolean),
    json: values.json,
    list: values.list,
    help: values.help,
  };
}

function parseNamed(text: string): { name: string; address: string } {
  const equals = text.indexOf('=');
  if (equals < 1) throw new Error(`expected NAME=HOST:PORT, got ${text}`);
  return { name: text.slice(0, equals), address: text.slice(equals + 1) };
}

function positive(what: string, text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new Error(`${what} needs a positive number, got ${text}`);
  return number;
}
