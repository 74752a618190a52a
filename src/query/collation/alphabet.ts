/**
 * Characters that a collation takes one by one.
 *
 * JavaScript tells how two strings compare but not their sort keys. For the characters of everyday text there is a way
 * around: those that stand for one letter each, with or without accents, are *regular*. Two strings of regular characters
 * are equal exactly when their characters are, one by one, once those that the collation ignores are left out. So each is
 * replaced by the first of those it equals, and equal strings become the same string.
 *
 * A character is not regular when it stands for two letters ('ß'), when it forms a letter together with its neighbours
 * ('ch' in Czech), or when it is of a script that is not looked at here. All of that is asked of the collation itself.
 */
import type { StringOrder } from './string_order.ts';

/** Compares higher than any letter: 'ch' as a letter of its own comes behind 'c' followed by this. */
const HIGHEST = '\uffff';

/** First and last code points of what is tried. */
const RANGES: readonly (readonly [number, number])[] = [
  [0x20, 0x7e],
  [0xa0, 0x17f],
  [0x386, 0x3ce],
  [0x400, 0x45f],
  [0x5d0, 0x5ea],
  [0x621, 0x63a],
  [0x641, 0x64a],
  [0x3042, 0x3093],
  [0x30a2, 0x30f3],
];

/** Characters that no collation takes together or for one another: each is a letter of its own. */
const LETTER_RANGES: readonly (readonly [number, number])[] = [
  [0x4e00, 0x9fa5],
  [0xac00, 0xd7a3],
];

const LATIN = Array.from({ length: 26 }, (_, i) => String.fromCodePoint(0x61 + i));

export class Alphabet {
  /** Character to the one it is replaced by; '' for what is ignored. */
  readonly #replacements = new Map<string, string>();

  /** `letters` compares nothing but letters: the first level of the same collation. */
  constructor(order: StringOrder, letters: StringOrder) {
    const joined = joinedLetters(letters);
    const regular: string[] = [];
    for (const char of candidates()) {
      if (char.normalize('NFC') !== char || joined.has(baseOf(char))) continue;
      if (order(char, '') === 0) this.#replacements.set(char, '');
      else if (letters(char, '') !== 0) regular.push(char);
    }
    for (const char of withoutExpansions(regular, letters)) this.#replacements.set(char, char);
    this.#unite(order);
  }

  /** The string that stands for all that equal it; undefined when it has characters that are not regular. */
  canonical(text: string): string | undefined {
    let result = '';
    for (const char of text) {
      const replacement = this.#replacements.get(char) ?? (isLetter(char) ? char : undefined);
      if (replacement === undefined) return undefined;
      result += replacement;
    }
    return result;
  }

  /** Characters that are equal get the first of them. */
  #unite(order: StringOrder): void {
    const chars = [...this.#replacements.keys()].filter((char) => this.#replacements.get(char) !== '');
    const sorted = chars.toSorted((a, b) => order(a, b) || (a < b ? -1 : 1));
    let first = '';
    for (const char of sorted) {
      if (first === '' || order(first, char) !== 0) first = char;
      this.#replacements.set(char, first);
    }
  }
}

function* candidates(): Iterable<string> {
  for (const [first, last] of RANGES) {
    for (let code = first; code <= last; code++) yield String.fromCodePoint(code);
  }
}

function isLetter(char: string): boolean {
  const code = char.codePointAt(0) ?? 0;
  return LETTER_RANGES.some(([first, last]) => code >= first && code <= last);
}

/** The letter without accents, small. */
function baseOf(char: string): string {
  return char.normalize('NFD').charAt(0).toLowerCase();
}

/** Small Latin letters that are part of a letter made of two or three, as 'c' and 'h' in Czech. */
function joinedLetters(letters: StringOrder): Set<string> {
  const joined = new Set<string>();
  const areApart = (text: string): boolean => {
    const first = text.charAt(0);
    if (letters(text, first) > 0 && letters(text, first + HIGHEST) < 0) return true;
    for (const char of text) joined.add(char);
    return false;
  };
  for (const a of LATIN) {
    for (const b of LATIN) if (areApart(a + b)) for (const c of LATIN) areApart(a + b + c);
  }
  return joined;
}

/** Leaves out what stands for two letters: it comes behind its first letter and before the next. */
function withoutExpansions(chars: readonly string[], letters: StringOrder): string[] {
  const sorted = chars.toSorted((a, b) => letters(a, b) || a.length - b.length);
  const kept: string[] = [];
  let last = '';
  for (const char of sorted) {
    const isExpansion = last !== '' && letters(char, last) > 0 && letters(char, last + HIGHEST) < 0;
    if (isExpansion) continue;
    kept.push(char);
    last = char;
  }
  return kept;
}
