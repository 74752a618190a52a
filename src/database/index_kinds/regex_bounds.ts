/** Where the strings lie that a regular expression matches: all strings, or those that begin as the pattern does. */
import { rawString } from '../../bson/value.ts';
import type { RegexParts } from '../../query/match/predicate.ts';
import { rawRegex } from '../../query/match/regex.ts';
import { interval, point, union, type IntervalBounds } from '../planner/interval.ts';
import { typeRange } from './type_range.ts';

/** A stored regular expression that is the very same matches as well. */
export function regexBounds(parts: RegexParts): IntervalBounds {
  const { prefix, isWhole } = literalPrefix(parts);
  const strings =
    prefix === ''
      ? typeRange('text')
      : interval(rawString(prefix), rawString(afterText(prefix)), { start: true, end: false });
  return {
    intervals: union([strings, point(rawRegex(parts))]),
    tightness: isWhole && prefix !== '' ? 'exact' : 'key',
  };
}

interface Prefix {
  readonly prefix: string;
  /** Whether the pattern asks for nothing else. */
  readonly isWhole: boolean;
}

const NO_PREFIX: Prefix = { prefix: '', isWhole: false };
const META = new Set('.[](){}^$|*+?\\'.split(''));

/** What every match begins with. Any option but `s` may change what the letters mean. */
function literalPrefix({ pattern, options }: RegexParts): Prefix {
  if (/[^s]/.test(options)) return NO_PREFIX;
  const anchor = pattern.startsWith('^') ? 1 : pattern.startsWith('\\A') ? 2 : 0;
  if (anchor === 0 || pattern.includes('|')) return NO_PREFIX;
  const rest = Array.from(pattern.slice(anchor));
  let prefix = '';
  let i = 0;
  for (; i < rest.length;) {
    const one = literalAt(rest, i);
    if (one === undefined) break;
    const next = rest[one.end];
    // What may be repeated no time at all is not part of the prefix.
    if (next === '*' || next === '?' || next === '{') return { prefix, isWhole: false };
    prefix += one.text;
    i = one.end;
    if (next === '+') break;
  }
  const left = rest.slice(i).join('');
  return { prefix, isWhole: left === '' || (left === '.*' && options.includes('s')) };
}

/** One character that stands for itself, perhaps escaped. */
function literalAt(
  pattern: readonly string[],
  at: number,
): { readonly text: string; readonly end: number } | undefined {
  const character = pattern[at];
  if (!META.has(character)) return { text: character, end: at + 1 };
  const escaped = pattern[at + 1];
  if (character !== '\\' || escaped === undefined || /[\w]/.test(escaped)) return undefined;
  return { text: escaped, end: at + 2 };
}

const HIGHEST_CODE_POINT = 0x10_ffff;
const SURROGATES_START = 0xd800;
const SURROGATES_END = 0xe000;

/** The first text that is above all that begin with `prefix`. */
function afterText(prefix: string): string {
  const characters = Array.from(prefix);
  for (;;) {
    const last = characters.pop();
    if (last === undefined) return String.fromCodePoint(HIGHEST_CODE_POINT);
    const code = last.codePointAt(0) ?? 0;
    if (code === HIGHEST_CODE_POINT) continue;
    const next = code + 1 === SURROGATES_START ? SURROGATES_END : code + 1;
    return characters.join('') + String.fromCodePoint(next);
  }
}
