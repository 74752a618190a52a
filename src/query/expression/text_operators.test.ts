import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodePlain, encodeDocument } from '../../bson/codec.ts';
import { rawObject } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { commandScope, compileExpression } from '../expression.ts';

function valueOf(expression: object, document: object): unknown {
  const value = compileExpression(rawObject(encodeDocument(expression)), commandScope({})).evaluate(
    encodeDocument(document),
  );
  if (value === undefined) return undefined;
  return decodePlain(new BsonWriter().startDocument().value('v', value).endDocument().finish())['v'];
}

/** Characters of one to four bytes. */
const text = fc.array(fc.constantFrom('a', 'b', 'ä', '€', '😀'), { maxLength: 12 }).map((all) => all.join(''));
const index = fc.integer({ min: 0, max: 14 });

test('characters are counted, whatever the number of their bytes', () => {
  fc.assert(
    fc.property(text, index, index, (s, from, count) => {
      const characters = Array.from(s).slice(from, from + count);
      expect(valueOf({ $substrCP: ['$s', from, count] }, { s })).toBe(characters.join(''));
    }),
  );
});

test('a text is found where a match may begin', () => {
  fc.assert(
    fc.property(text, fc.oneof(text, fc.constantFrom('a', '€', 'ab')), index, index, (s, t, from, end) => {
      const characters = Array.from(s);
      const expected = characters.findIndex(
        (_, i) => i >= from && i < end && characters.slice(i).join('').startsWith(t),
      );
      const whole = s === '' && t === '' ? 0 : expected;
      expect(valueOf({ $indexOfCP: ['$s', '$t', from, end] }, { s, t })).toBe(whole);
    }),
  );
});

test('texts are trimmed by characters', () => {
  fc.assert(
    fc.property(text, text, (s, chars) => {
      const kept = Array.from(s);
      while (kept.length > 0 && Array.from(chars).includes(kept[0])) kept.shift();
      expect(valueOf({ $ltrim: { input: '$s', chars: '$chars' } }, { s, chars })).toBe(kept.join(''));
      while (kept.length > 0 && Array.from(chars).includes(kept[kept.length - 1])) kept.pop();
      expect(valueOf({ $trim: { input: '$s', chars: '$chars' } }, { s, chars })).toBe(kept.join(''));
    }),
  );
});

test('texts are cut and replaced as the engine does it', () => {
  fc.assert(
    fc.property(text, fc.constantFrom('a', '€', 'ab', 'aa', '😀ä'), text, (s, t, by) => {
      expect(valueOf({ $split: ['$s', '$t'] }, { s, t })).toEqual(s.split(t));
      const operands = { input: '$s', find: '$t', replacement: '$by' };
      expect(valueOf({ $replaceAll: operands }, { s, t, by })).toBe(s.replaceAll(t, () => by));
      expect(valueOf({ $replaceOne: operands }, { s, t, by })).toBe(s.replace(t, () => by));
    }),
  );
});

test('texts that nearly occur everywhere are looked for in time that grows with the texts, not with their product', () => {
  const s = 'a'.repeat(400_000);
  const document = { s, end: `${'a'.repeat(200_000)}b`, begin: `b${'a'.repeat(200_000)}` };
  for (const sought of ['$end', '$begin']) {
    expect(valueOf({ $indexOfCP: ['$s', sought] }, document)).toBe(-1);
    expect(valueOf({ $indexOfBytes: ['$s', sought] }, document)).toBe(-1);
    expect(valueOf({ $split: ['$s', sought] }, document)).toEqual([s]);
    expect(valueOf({ $replaceAll: { input: '$s', find: sought, replacement: '' } }, document)).toBe(s);
  }
});

test('the case of ASCII letters alone does not count', () => {
  expect(valueOf({ $strcasecmp: ['aBc[é', 'AbC[É'] }, {})).toBe(1);
  expect(valueOf({ $strcasecmp: ['aBc_', 'AbC_'] }, {})).toBe(0);
  expect(valueOf({ $strcasecmp: ['a_', 'Ab'] }, {})).toBe(1);
  expect(valueOf({ $strcasecmp: ['ab', 'ABC'] }, {})).toBe(-1);
});

test('a text that begins with a mark of byte order keeps it', () => {
  const s = '\uFEFFab';
  expect(valueOf({ $concat: ['$s', 'c'] }, { s })).toBe('\uFEFFabc');
  expect(valueOf({ $toUpper: '$s' }, { s })).toBe('\uFEFFAB');
});
