import fc from 'fast-check';
import { expect, test } from 'vitest';
import { equalBytes } from '../bson/bytes.ts';
import { keyText } from './key_text.ts';

test('every byte has a character of its own, in short keys and in long ones', () => {
  for (const length of [1, 100]) {
    const texts = Array.from({ length: 256 }, (_, byte) => keyText(new Uint8Array(length).fill(byte)));
    expect(new Set(texts).size).toBe(256);
    for (const text of texts) expect(text).toHaveLength(length);
  }
});

test('texts are equal as their keys are', () => {
  const key = fc.uint8Array({ maxLength: 100 });
  fc.assert(fc.property(key, key, (a, b) => (keyText(a) === keyText(b)) === equalBytes(a, b)));
});
