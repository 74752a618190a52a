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

/** Names do not look like numbers, which objects of the language put first. */
const name = fc.constantFrom('', 'a', 'b', 'ab', 'ä', '€uro', 'x y');
const fields = fc.array(
  fc.tuple(name, fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant('text'), fc.constant(null))),
);

/** Later values in the places of earlier ones. */
function merged(pairs: readonly (readonly [string, unknown])[]): [string, unknown][] {
  return [...new Map(pairs)];
}

function pairsOf(value: unknown): [string, unknown][] {
  return Object.entries(value as object);
}

test('fields of one name are one, with the last value in the first place', () => {
  fc.assert(
    fc.property(fields, (pairs) => {
      expect(pairsOf(valueOf({ $arrayToObject: '$a' }, { a: pairs }))).toEqual(merged(pairs));
      const items = pairs.map(([k, v]) => ({ k, v }));
      expect(pairsOf(valueOf({ $arrayToObject: '$a' }, { a: items }))).toEqual(merged(pairs));
      const objects = pairs.map(([key, value]) => ({ [key]: value }));
      expect(pairsOf(valueOf({ $mergeObjects: '$a' }, { a: objects }))).toEqual(merged(pairs));
    }),
  );
});

test('a document becomes an array and a document again', () => {
  fc.assert(
    fc.property(fields, (pairs) => {
      const object = Object.fromEntries(pairs);
      const items = Object.entries(object).map(([k, v]) => ({ k, v }));
      expect(valueOf({ $objectToArray: '$o' }, { o: object })).toEqual(items);
      expect(valueOf({ $arrayToObject: { $objectToArray: '$o' } }, { o: object })).toEqual(object);
    }),
  );
});

test('a field is set in its place or at the end, and removed', () => {
  fc.assert(
    fc.property(fields, (pairs) => {
      const o = Object.fromEntries(pairs);
      const set = valueOf({ $setField: { field: 'a', input: '$o', value: '$v' } }, { o, v: [1] });
      expect(pairsOf(set)).toEqual(merged([...pairs, ['a', [1]]]));
      const rest = Object.entries(o).filter(([key]) => key !== 'a');
      expect(pairsOf(valueOf({ $unsetField: { field: 'a', input: '$o' } }, { o }))).toEqual(rest);
    }),
  );
});

test('documents of very many fields are made and merged', () => {
  const pairs = Array.from({ length: 100_000 }, (_, i) => [`k${i}`, i]);
  const made = valueOf({ $mergeObjects: [{ $arrayToObject: '$a' }, { k7: 'x' }] }, { a: pairs });
  expect(pairsOf(made)).toEqual(pairs.map(([key, value]) => [key, key === 'k7' ? 'x' : value]));
});
