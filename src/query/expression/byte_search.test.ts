import fc from 'fast-check';
import { expect, test } from 'vitest';
import { utf8Of } from '../../bson/bytes.ts';
import { ByteSearch } from './byte_search.ts';

/** All places, each sought with so many bytes at a time. */
function places(text: string, sought: string, bytesMax: number): number[] {
  const search = new ByteSearch(utf8Of(text), utf8Of(sought));
  const found: number[] = [];
  for (let tries = 0; tries < 10_000; tries++) {
    const at = search.find(bytesMax);
    if (at === -1) return found;
    if (at !== undefined) found.push(at);
  }
  throw new Error('the search comes to no end');
}

function placesByIndexOf(text: string, sought: string): number[] {
  const found: number[] = [];
  for (let at = text.indexOf(sought); at >= 0; at = text.indexOf(sought, at + sought.length)) found.push(at);
  return found;
}

const text = fc.array(fc.constantFrom('a', 'b'), { maxLength: 60 }).map((letters) => letters.join(''));
const sought = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 6 }).map((letters) => letters.join(''));

test('the places are those that the engine finds, however little is looked at in one go', () => {
  fc.assert(
    fc.property(text, sought, fc.integer({ min: 1, max: 20 }), (where, what, bytesMax) => {
      expect(places(where, what, bytesMax)).toEqual(placesByIndexOf(where, what));
    }),
  );
});

test('only what lies between start and end is found', () => {
  expect(new ByteSearch(utf8Of('abab'), utf8Of('ab'), 1, 4).find(100)).toBe(2);
  expect(new ByteSearch(utf8Of('abab'), utf8Of('ab'), 1, 3).find(100)).toBe(-1);
  expect(new ByteSearch(utf8Of('abab'), utf8Of('ab'), 4, 2).find(100)).toBe(-1);
});

test('a text that nearly occurs everywhere is looked for in time that grows with the texts, not with their product', () => {
  const many = 'a'.repeat(400_000);
  expect(new ByteSearch(utf8Of(many), utf8Of(`${'a'.repeat(200_000)}b`)).find(Infinity)).toBe(-1);
  expect(new ByteSearch(utf8Of(many), utf8Of(`b${'a'.repeat(200_000)}`)).find(Infinity)).toBe(-1);
});
