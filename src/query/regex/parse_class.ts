/** Classes in brackets, as JavaScript classes. */
import { charEscape, escaped, setEscape } from './escapes.ts';
import { invalidRegex, type PatternReader } from './pattern_reader.ts';

const BACKSPACE = 8;

/** Of ASCII alone. The inside of a class. */
const POSIX: ReadonlyMap<string, string> = new Map([
  ['alpha', 'A-Za-z'],
  ['digit', '0-9'],
  ['alnum', '0-9A-Za-z'],
  ['upper', 'A-Z'],
  ['lower', 'a-z'],
  ['space', String.raw`\t\n\v\f\r `],
  ['blank', String.raw`\t `],
  ['punct', String.raw`!-\/:-@\[-${'`'}\{-~`],
  ['cntrl', String.raw`\u0000-\u001f\u007f`],
  ['graph', '!-~'],
  ['print', ' -~'],
  ['xdigit', '0-9A-Fa-f'],
  ['word', '0-9A-Za-z_'],
  ['ascii', String.raw`\u0000-\u007f`],
]);

/** The opening bracket is behind. */
export function parseClass(reader: PatternReader): string {
  const isNegative = reader.take('^');
  let source = '';
  for (let isFirst = true; ; isFirst = false) {
    if (reader.isAtEnd) throw invalidRegex('missing terminating ] for character class');
    if (!isFirst && reader.take(']')) break;
    source += item(reader);
  }
  return `[${isNegative ? '^' : ''}${source}]`;
}

function item(reader: PatternReader): string {
  const first = single(reader);
  if (typeof first === 'string') return first;
  // A hyphen before the closing bracket is itself.
  const range = reader.match(/-(?=[^\]])/y);
  if (range === undefined) return escaped(first);
  const last = single(reader);
  if (typeof last === 'string') return `${escaped(first)}\\-${last}`;
  if (last < first) throw invalidRegex('range out of order in character class');
  return `${escaped(first)}-${escaped(last)}`;
}

/** A code point, or the source of a set. */
function single(reader: PatternReader): number | string {
  const posix = reader.match(/\[:(\^?)([a-z]+):\]/y);
  if (posix !== undefined) return posixSet(posix[2], posix[1] === '^');
  if (!reader.take('\\')) return reader.next().codePointAt(0) ?? 0;
  if (reader.isAtEnd) throw invalidRegex(String.raw`\ at end of pattern`);
  if (reader.take('b')) return BACKSPACE;
  const octal = reader.match(/[1-7][0-7]{0,2}/y);
  if (octal !== undefined) return Number.parseInt(octal[0], 8);
  return setEscape(reader) ?? charEscape(reader);
}

function posixSet(name: string, isNegative: boolean): string {
  const set = POSIX.get(name);
  if (set === undefined) throw invalidRegex('unknown POSIX class name');
  return isNegative ? complement(set) : set;
}

/** The other ASCII characters and all beyond ASCII. */
function complement(set: string): string {
  const inside = new RegExp(`[${set}]`, 'u');
  let source = String.raw`\u0080-\u{10ffff}`;
  for (let code = 0; code < 0x80; code++) if (!inside.test(String.fromCodePoint(code))) source += escaped(code);
  return source;
}
