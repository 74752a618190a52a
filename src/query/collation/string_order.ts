/**
 * The order of strings under a collation, made of what JavaScript's collators can do: levels that they do not have are
 * compared on their own, one after the other.
 */
import type { Collation } from '../collation.ts';
import { languageTag } from './locales.ts';

export type StringOrder = (a: string, b: string) => number;

export function stringOrder(collation: Collation): StringOrder {
  const levels = levelsOf(collation);
  const [only] = levels;
  const compare: StringOrder = levels.length === 1 ? only : (a, b) => inLevels(levels, a, b);
  if (collation.alternate === 'non-ignorable' || collation.maxVariable === 'punct') return compare;
  return (a, b) => compare(a.replaceAll(SPACE, ''), b.replaceAll(SPACE, ''));
}

const SPACE = /\s+/gu;

function inLevels(levels: readonly StringOrder[], a: string, b: string): number {
  for (const compare of levels) {
    const comparison = compare(a, b);
    if (comparison !== 0) return comparison;
  }
  return 0;
}

function levelsOf(collation: Collation): StringOrder[] {
  const { strength, caseLevel, backwards, alternate } = collation;
  const upTo = (sensitivity: Sensitivity): StringOrder => collatorOrder(collation, sensitivity);
  if (strength === 1) return [upTo(caseLevel ? 'case' : 'base')];
  const levels: StringOrder[] = [];
  if (backwards) levels.push(upTo('base'), backwardsOrder(upTo('accent')));
  else if (strength === 2 || caseLevel) levels.push(upTo('accent'));
  if (caseLevel) levels.push(upTo('case'));
  if (strength >= 3) levels.push(upTo('variant'));
  if (strength >= 4 && alternate === 'shifted') levels.push(shiftedOrder(collation));
  if (strength === 5) levels.push((a, b) => byCodePoints(a.normalize('NFD'), b.normalize('NFD')));
  return levels;
}

type Sensitivity = 'base' | 'accent' | 'case' | 'variant';

function collatorOrder(collation: Collation, sensitivity: Sensitivity): StringOrder {
  const { locale, numericOrdering, caseFirst, alternate, maxVariable } = collation;
  const collator = new Intl.Collator(languageTag(locale), {
    usage: locale.endsWith('@collation=search') ? 'search' : 'sort',
    sensitivity,
    numeric: numericOrdering,
    caseFirst: caseFirst === 'off' ? 'false' : caseFirst,
    ignorePunctuation: alternate === 'shifted' && maxVariable === 'punct',
  });
  return collator.compare;
}

/** Compares accents from the last character to the first; the letters are the same. */
function backwardsOrder(compare: StringOrder): StringOrder {
  const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
  const reversed = (text: string): string =>
    Array.from(segmenter.segment(text), ({ segment }) => segment)
      .reverse()
      .join('');
  return (a, b) => compare(reversed(a), reversed(b));
}

/** The fourth level: punctuation that the others pass over comes before everything else. */
function shiftedOrder(collation: Collation): StringOrder {
  const isIgnored = collatorOrder(collation, 'base');
  const among = collatorOrder({ ...collation, alternate: 'non-ignorable' }, 'base');
  return (a, b) => {
    const left = Array.from(a.normalize('NFC'), (char) => (isIgnored(char, '') === 0 ? char : ''));
    const right = Array.from(b.normalize('NFC'), (char) => (isIgnored(char, '') === 0 ? char : ''));
    const length = Math.min(left.length, right.length);
    for (let i = 0; i < length; i++) {
      if (left[i] === '' && right[i] === '') continue;
      if (left[i] === '') return 1;
      if (right[i] === '') return -1;
      const comparison = among(left[i], right[i]);
      if (comparison !== 0) return comparison;
    }
    return left.length - right.length;
  };
}

function byCodePoints(a: string, b: string): number {
  const left = Array.from(a, codePoint);
  const right = Array.from(b, codePoint);
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) if (left[i] !== right[i]) return left[i] - right[i];
  return left.length - right.length;
}

function codePoint(char: string): number {
  return char.codePointAt(0) ?? 0;
}
