import { serialize } from 'bson';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { documentSamples } from '../../tests/support/arbitrary_bson.ts';
import { fieldName } from './bytes.ts';
import {
  countElements,
  documentSize,
  ElementReader,
  findElement,
  findField,
  isEmptyDocument,
  valueEnd,
} from './elements.ts';
import { BSON_TYPE } from './types.ts';
import { numberOf, stringOf } from './value.ts';

function padded(document: Uint8Array): { bytes: Uint8Array; at: number } {
  const bytes = new Uint8Array(document.length + 7).fill(0xee);
  bytes.set(document, 3);
  return { bytes, at: 3 };
}

describe('a reader', () => {
  test('stops at every element, with its type, name and bytes', () => {
    fc.assert(
      fc.property(documentSamples, (document) => {
        const { bytes, at } = padded(document.bytes);
        const reader = new ElementReader(bytes, at);
        for (const { name, sample } of document.fields) {
          expect(reader.next()).toBe(true);
          expect(reader.name()).toBe(name);
          expect(reader.nameEquals(fieldName(name))).toBe(true);
          expect(reader.nameEquals(fieldName(`${name}x`))).toBe(false);
          expect(reader.type).toBe(sample.raw.type);
          expect(bytes.slice(reader.start, reader.end)).toEqual(
            sample.raw.bytes.slice(sample.raw.start, sample.raw.end),
          );
          expect(bytes[reader.elementStart]).toBe(reader.type);
          expect(valueEnd(reader.type, bytes, reader.start)).toBe(reader.end);
        }
        expect(reader.next()).toBe(false);
        expect(reader.next()).toBe(false);
        expect(reader.end).toBe(at + documentSize(bytes, at) - 1);
        expect(countElements(bytes, at)).toBe(document.fields.length);
        expect(isEmptyDocument(bytes, at)).toBe(document.fields.length === 0);
      }),
      { numRuns: 2000 },
    );
  });

  test('can be used again for another document', () => {
    const bytes = new Uint8Array(serialize({ a: 1, b: 2 }));
    const reader = new ElementReader(bytes);
    reader.next();
    const first = reader.value();
    reader.reset(new Uint8Array(serialize({ c: 3 })), 0);
    expect(reader.next()).toBe(true);
    expect([reader.name(), numberOf(reader), numberOf(first)]).toEqual(['c', 3, 1]);
  });

  test('without a document is at its end', () => {
    expect(new ElementReader().next()).toBe(false);
  });
});

describe('finding a field', () => {
  test('gives the first element of that name, as walking does', () => {
    fc.assert(
      fc.property(documentSamples, fc.string({ maxLength: 2 }), (document, other) => {
        const { bytes, at } = padded(document.bytes);
        const wanted = [...document.fields.map(({ name }) => name), other.replaceAll('\0', '')];
        for (const text of wanted) {
          const name = fieldName(text);
          const reader = new ElementReader(bytes, at);
          let expected = -1;
          while (expected < 0 && reader.next()) if (reader.nameEquals(name)) expected = reader.elementStart;
          expect(findElement(bytes, at, name)).toBe(expected);
          const value = findField(bytes, name, at);
          expect(value?.start).toBe(expected < 0 ? undefined : reader.start);
          expect(value?.end).toBe(expected < 0 ? undefined : reader.end);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('does not take a longer or a shorter name', () => {
    const bytes = new Uint8Array(serialize({ ab: 1, abcd: 2, abc: 'x' }));
    expect(findField(bytes, fieldName('abc'))).toMatchObject({ type: BSON_TYPE.string });
    expect(findField(bytes, fieldName('a'))).toBeUndefined();
    expect(findField(bytes, fieldName(''))).toBeUndefined();
  });

  test('finds an empty name', () => {
    const value = findField(new Uint8Array(serialize({ a: 1, '': 'x' })), fieldName(''));
    expect(value && stringOf(value)).toBe('x');
  });
});
