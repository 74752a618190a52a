import fc from 'fast-check';
import { serialize } from 'bson';
import { describe, expect, test } from 'vitest';
import { invariant } from '../../base/invariant.ts';
import type { ValueSpan } from '../../bson/types.ts';
import { compareValues } from '../../bson/compare.ts';
import { rawObject, rawString, stringOf } from '../../bson/value.ts';
import { parseCollation, type Collation } from '../collation.ts';
import { EqualityKeys, IRREGULAR_FROM, IRREGULAR_TO } from './equality_keys.ts';
import { orderOf } from './value_order.ts';

function collation(spec: object): Collation {
  const parsed = parseCollation(serialize(spec));
  invariant(parsed !== undefined, 'it is not the simple one');
  return parsed;
}

const SPECS = [
  { locale: 'en', strength: 1 },
  { locale: 'en', strength: 1, caseLevel: true },
  { locale: 'en', strength: 2 },
  { locale: 'en' },
  { locale: 'en', strength: 5 },
  { locale: 'en', strength: 2, numericOrdering: true },
  { locale: 'en', alternate: 'shifted', strength: 2 },
  { locale: 'en', alternate: 'shifted', strength: 4 },
  { locale: 'en', alternate: 'shifted', maxVariable: 'space' },
  { locale: 'fr_CA', strength: 2 },
  { locale: 'da', strength: 1 },
  { locale: 'cs', strength: 2 },
  { locale: 'hu', strength: 1 },
  { locale: 'es@collation=traditional', strength: 1 },
  { locale: 'de@collation=phonebook', strength: 1 },
  { locale: 'ja', strength: 1 },
  { locale: 'ko', strength: 1 },
  { locale: 'lt', strength: 1 },
  { locale: 'tr', strength: 2 },
];

const CHARACTERS = Array.from(
  ' -_.0019aAbBcCdDeEhHsSzZnNgGàÀéÉöÖøØåÅñßæœıİķžčΣσςαάЯяйЙиёאבاأبかがカガ漢字가각e\u0301ǆﬁ\u0000😀',
);
const words = fc.string({ unit: fc.constantFrom(...CHARACTERS), maxLength: 5 });

describe.each(SPECS)('keys under %j', (spec) => {
  const own = collation(spec);
  const { compare } = orderOf(own);
  const keys = new EqualityKeys(own);

  test('of regular values are equal exactly when the values are', () => {
    fc.assert(
      fc.property(fc.array(words, { minLength: 2, maxLength: 30 }), (list) => {
        const regular = list.filter((word) => keys.regular(rawString(word)) !== undefined);
        for (const a of regular) {
          for (const b of regular) {
            const isSame = compareValues(keys.of(rawString(a)), keys.of(rawString(b))) === 0;
            expect(isSame, `${a} ${b}`).toBe(compare(rawString(a), rawString(b)) === 0);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('keys', () => {
  const keys = new EqualityKeys(collation({ locale: 'en', strength: 2 }));
  const textOf = (value: ValueSpan): string => stringOf(keys.of(value));

  test('are the same for words of several scripts that differ in case', () => {
    for (const word of ['hello', 'élan vital', 'straight-up 2', 'привет', 'σοφία', '漢字', 'かな', '한국어']) {
      expect(keys.regular(rawString(word)), word).toBeDefined();
      expect(textOf(rawString(word.toUpperCase()))).toBe(textOf(rawString(word)));
    }
  });

  test('of irregular values are apart from each other and behind all strings', () => {
    for (const word of ['straße', 'æon', '😀', 'e\u0301']) {
      const key = keys.of(rawString(word));
      expect(keys.regular(rawString(word)), word).toBeUndefined();
      expect(compareValues(key, IRREGULAR_FROM)).toBeGreaterThan(0);
      expect(compareValues(key, IRREGULAR_TO)).toBeLessThan(0);
    }
    expect(textOf(rawString('ß'))).not.toBe(textOf(rawString('æ')));
    expect(textOf(rawObject(serialize({ a: 'ß' })))).not.toBe(textOf(rawObject(serialize({ b: 'ß' }))));
  });

  test('reach into documents and arrays', () => {
    const key = (value: object): ValueSpan => keys.of(rawObject(serialize(value)));
    expect(compareValues(key({ a: ['X', 1] }), key({ a: ['x', 1] }))).toBe(0);
    expect(compareValues(key({ a: ['X', 1] }), key({ A: ['x', 1] }))).not.toBe(0);
  });
});
