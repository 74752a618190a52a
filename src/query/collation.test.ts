import fc from 'fast-check';
import { serialize } from 'bson';
import { describe, expect, test } from 'vitest';
import { CommandError } from '../base/command_error.ts';
import { decodePlain } from '../bson/codec.ts';
import { rawObject, rawString } from '../bson/value.ts';
import { orderOf } from './collation/value_order.ts';
import { parseCollation } from './collation.ts';
import type { ValueOrder } from './value_order.ts';

function order(spec: object): ValueOrder {
  return orderOf(parseCollation(serialize(spec)));
}

function sorted(words: readonly string[], spec: object): string[] {
  const { compare } = order(spec);
  return words.toSorted((a, b) => compare(rawString(a), rawString(b)));
}

function areEqual(a: string, b: string, spec: object): boolean {
  return order(spec).compare(rawString(a), rawString(b)) === 0;
}

function refusal(spec: object): string {
  try {
    parseCollation(serialize(spec));
  } catch (error) {
    if (error instanceof CommandError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'accepted';
}

describe('the document of a collation', () => {
  test('is filled in from its locale', () => {
    expect(
      decodePlain(parseCollation(serialize({ locale: 'fr_CA', strength: 2 }))?.document ?? new Uint8Array()),
    ).toEqual({
      locale: 'fr_CA',
      caseLevel: false,
      caseFirst: 'off',
      strength: 2,
      numericOrdering: false,
      alternate: 'non-ignorable',
      maxVariable: 'punct',
      normalization: false,
      backwards: true,
      version: '57.1',
    });
  });

  test('of the simple one is none', () => {
    expect(parseCollation(serialize({ locale: 'simple' }))).toBeUndefined();
    expect(refusal({ locale: 'simple', strength: 2 })).toMatch(/^9 If locale=simple/);
  });

  test.each([
    [{}, '4 Missing expected field "locale"'],
    [{ locale: 'xx' }, `2 Field 'locale' is invalid in: { locale: "xx" }`],
    [{ locale: 'en@collation=phonebook' }, /^2 Field 'locale' is invalid/],
    [{ locale: 5 }, '14 "locale" had the wrong type. Expected string, found int'],
    [{ locale: 'en', strength: 6 }, "9 Field 'strength' must be an integer 1 through 5. Got: 6"],
    [{ locale: 'en', strength: 'x' }, '14 "strength" had the wrong type. Expected number, found string'],
    [{ locale: 'en', strength: 1.5 }, /^2 Expected field "strength"/],
    [{ locale: 'en', caseLevel: 1 }, '14 "caseLevel" had the wrong type. Expected bool, found int'],
    [{ locale: 'en', caseFirst: 'x' }, "9 Field 'caseFirst' must be 'upper', 'lower', or 'off'. Got: x"],
    [{ locale: 'en', alternate: 'x' }, "9 Field 'alternate' must be 'non-ignorable' or 'shifted'. Got: x"],
    [{ locale: 'en', caseFirst: 'upper', strength: 2 }, /^2 'caseFirst' is invalid unless/],
    [{ locale: 'en', backwards: true, strength: 1 }, /^2 'backwards' is invalid with 'strength' of 1/],
    [{ locale: 'en', version: '1' }, /^161 /],
    [{ locale: 'en', foo: 1 }, /^9 Collation spec contains unknown field/],
  ])('is checked: %j', (spec, message) => {
    expect(refusal(spec)).toMatch(message);
  });
});

describe('the order of strings', () => {
  test('is that of the language', () => {
    expect(sorted(['z', 'ä', 'a'], { locale: 'de' })).toEqual(['a', 'ä', 'z']);
    expect(sorted(['z', 'ä', 'a'], { locale: 'sv' })).toEqual(['a', 'z', 'ä']);
    expect(sorted(['ä', 'af', 'ad'], { locale: 'de@collation=phonebook' })).toEqual(['ad', 'ä', 'af']);
  });

  test('knows levels of strength', () => {
    expect(areEqual('role', 'RÔLE', { locale: 'en', strength: 1 })).toBe(true);
    expect(areEqual('role', 'RÔLE', { locale: 'en', strength: 2 })).toBe(false);
    expect(areEqual('role', 'Role', { locale: 'en', strength: 2 })).toBe(true);
    expect(areEqual('role', 'Role', { locale: 'en' })).toBe(false);
    expect(areEqual('role', 'Role', { locale: 'en', strength: 1, caseLevel: true })).toBe(false);
    expect(areEqual('role', 'rôle', { locale: 'en', strength: 1, caseLevel: true })).toBe(true);
    expect(areEqual('role', 'Role', { locale: 'en', strength: 2, caseLevel: true })).toBe(false);
  });

  test('passes over punctuation when that is shifted, but for the fourth level', () => {
    const shifted = { locale: 'en', alternate: 'shifted' };
    expect(areEqual('de-luge', 'de luge', shifted)).toBe(true);
    expect(areEqual('de-luge', 'de luge', { ...shifted, strength: 4 })).toBe(false);
    expect(areEqual('de-luge', 'deluge', { ...shifted, maxVariable: 'space' })).toBe(false);
    expect(areEqual('de luge', 'deluge', { ...shifted, maxVariable: 'space' })).toBe(true);
    expect(sorted(['deluge', 'de luge', 'de-luge'], { ...shifted, strength: 4 })).toEqual([
      'de luge',
      'de-luge',
      'deluge',
    ]);
  });

  test('compares code points at the fifth level', () => {
    expect(areEqual('a\u0000', 'a', { locale: 'en' })).toBe(true);
    expect(areEqual('a\u0000', 'a', { locale: 'en', strength: 5 })).toBe(false);
  });

  test('compares digits as numbers, cases and accents from the end where asked', () => {
    expect(sorted(['10', '9'], { locale: 'en', numericOrdering: true })).toEqual(['9', '10']);
    expect(sorted(['a', 'A'], { locale: 'en', caseFirst: 'upper' })).toEqual(['A', 'a']);
    expect(sorted(['cote', 'coté', 'côte', 'côté'], { locale: 'fr_CA' })).toEqual(['cote', 'côte', 'coté', 'côté']);
    expect(sorted(['cote', 'coté', 'côte', 'côté'], { locale: 'fr' })).toEqual(['cote', 'coté', 'côte', 'côté']);
  });
});

describe('the order of values', () => {
  const insensitive = order({ locale: 'en', strength: 2 });

  test('reaches strings inside documents and arrays, not the names of fields', () => {
    const a = rawObject(serialize({ a: ['x', { b: 'Y' }] }));
    expect(insensitive.compare(a, rawObject(serialize({ a: ['X', { b: 'y' }] })))).toBe(0);
    expect(insensitive.compare(a, rawObject(serialize({ A: ['x', { b: 'Y' }] })))).not.toBe(0);
  });

  const words = fc.string({ unit: fc.constantFrom('a', 'A', 'ä', 'b', 'B', '-', 'ß', '1') });
  const values = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      words,
      fc.integer({ min: 0, max: 2 }),
      fc.array(tie('value')),
      fc.record({ a: tie('value') }),
    ),
  })).value;

  test('keys are equal for values that compare equal, and only for those', () => {
    const wrapped = values.map((v) => rawObject(serialize({ v })));
    fc.assert(
      fc.property(fc.array(wrapped, { minLength: 2, maxLength: 12 }), (list) => {
        const own = order({ locale: 'en', strength: 2 });
        for (const a of list) {
          for (const b of list) expect(own.keyOf(a) === own.keyOf(b)).toBe(own.compare(a, b) === 0);
        }
      }),
    );
  });

  test('many strings find their classes again', () => {
    const own = order({ locale: 'en', strength: 1 });
    const keys = new Set<string>();
    for (let i = 0; i < 3000; i++) keys.add(own.keyOf(rawString(`w${(i * 7919) % 1500}`)));
    for (let i = 0; i < 1500; i++) keys.add(own.keyOf(rawString(`W${i}`)));
    expect(keys.size).toBe(1500);
  });
});
