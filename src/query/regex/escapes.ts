/** Escapes that mean the same inside and outside of classes. */
import { invalidRegex, type PatternReader } from './pattern_reader.ts';

const HORIZONTAL = String.raw`\t \u00a0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000`;
const VERTICAL = String.raw`\n\v\f\r\u0085\u2028\u2029`;
const SPACE = String.raw`\t\n\v\f\r `;

/** As the inside of a class. Words, digits and spaces are those of ASCII. */
const SETS: ReadonlyMap<string, string> = new Map([
  ['d', '0-9'],
  ['D', complementOf('0-9')],
  ['w', '0-9A-Za-z_'],
  ['W', String.raw`\u0000-/:-@\[-\^${'`'}\{-\u{10ffff}`],
  ['s', SPACE],
  ['S', String.raw`\u0000-\u0008\u000e-\u001f!-\u{10ffff}`],
  ['h', HORIZONTAL],
  ['v', VERTICAL],
  [
    'H',
    String.raw`\u0000-\u0008\u000a-\u001f!-\u009f\u00a1-\u167f\u1681-\u180d\u180f-\u1fff\u200b-\u202e` +
      String.raw`\u2030-\u205e\u2060-\u2fff\u3001-\u{10ffff}`,
  ],
  ['V', String.raw`\u0000-\u0009\u000e-\u0084\u0086-\u2027\u202a-\u{10ffff}`],
]);

function complementOf(_digits: string): string {
  return String.raw`\u0000-/:-\u{10ffff}`;
}

/** `\d`, `\p{Lu}` and the like, as the inside of a class; undefined, and nothing passed, for others. */
export function setEscape(reader: PatternReader): string | undefined {
  const known = SETS.get(reader.peek());
  if (known !== undefined) {
    reader.next();
    return known;
  }
  const property = reader.match(/([pP])(?:\{(\^?)([A-Za-z_&]+)\}|([A-Z]))/y);
  if (property === undefined) {
    if (/^[pP]/.test(reader.peek())) throw invalidRegex(String.raw`malformed \P or \p sequence`);
    return undefined;
  }
  const [, letter, caret, long, short] = property;
  const isNegative = (letter === 'P') !== (caret === '^');
  return propertySource(long ?? short, isNegative);
}

function propertySource(name: string, isNegative: boolean): string {
  const letter = isNegative ? 'P' : 'p';
  if (name === 'Any') return isNegative ? '' : String.raw`\s\S`;
  if (name === 'L&') return `\\${letter}{LC}`;
  for (const source of [`\\${letter}{${name}}`, `\\${letter}{Script=${name}}`]) {
    if (isPropertySource(source)) return source;
  }
  throw invalidRegex(String.raw`unknown property name after \P or \p`);
}

function isPropertySource(source: string): boolean {
  try {
    return new RegExp(source, 'u').source !== '';
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

const CONTROLS: ReadonlyMap<string, number> = new Map([
  ['a', 7],
  ['e', 27],
  ['f', 12],
  ['n', 10],
  ['r', 13],
  ['t', 9],
]);

/** The code point that an escape stands for. The backslash is behind. */
export function charEscape(reader: PatternReader): number {
  const hex = reader.match(/x(?:\{([0-9A-Fa-f]{1,8})\}|([0-9A-Fa-f]{0,2}))/y);
  if (hex !== undefined) return codePoint(Number.parseInt(hex[1] ?? (hex[2] || '0'), 16));
  const octal = reader.match(/o\{([0-7]+)\}|0([0-7]{0,2})/y);
  if (octal !== undefined) return codePoint(Number.parseInt(octal[1] ?? (octal[2] || '0'), 8));
  const control = reader.match(/c([\x20-\x7e])/y);
  if (control !== undefined) return (control[1].toUpperCase().codePointAt(0) ?? 0) ^ 0x40;
  const char = reader.next();
  const known = CONTROLS.get(char);
  if (known !== undefined) return known;
  if (/^[A-Za-z0-9]$/.test(char)) throw invalidRegex(String.raw`unrecognized character follows \ `.trimEnd());
  return char.codePointAt(0) ?? 0;
}

function codePoint(code: number): number {
  if (code > 0x10_ffff) throw invalidRegex(String.raw`character code point value in \x{} or \o{} is too large`);
  return code;
}

/** One code point as JavaScript source that is right anywhere. */
export function escaped(code: number): string {
  const isPlain = (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
  return isPlain ? String.fromCodePoint(code) : `\\u{${code.toString(16)}}`;
}
