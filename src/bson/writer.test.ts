import { Binary, Double, Int32, Long, ObjectId, serialize, Timestamp } from 'bson';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { documentSamples } from '../../tests/support/arbitrary_bson.ts';
import { InvariantError } from '../base/invariant.ts';
import { timestampOf } from '../base/optime.ts';
import { fieldName } from './bytes.ts';
import { ElementReader } from './elements.ts';
import { BsonWriter } from './writer.ts';

function bytesOf(object: object): Uint8Array {
  return new Uint8Array(serialize(object, { ignoreUndefined: false }));
}

describe('a writer', () => {
  test('writes every type as the package bson does', () => {
    const id = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    const inner = bytesOf({ x: 1 });
    const written = new BsonWriter(1)
      .startDocument()
      .int32('a', -5)
      .int64('b', 2n ** 62n)
      .int64('c', -(2 ** 40))
      .double(fieldName('d'), 0.1)
      .string('e', 'grüße 👋')
      .bool('f', true)
      .null('g')
      .date('h', -1)
      .timestamp('i', timestampOf(5, 6))
      .objectId('j', id)
      .binData('k', 4, Uint8Array.of(1, 2, 3))
      .document('l', inner)
      .startArray('m')
      .int32(0, 1)
      .array(1, bytesOf({ 0: 'x' }))
      .end()
      .startSubdocument('n')
      .end()
      .endDocument()
      .finish();
    const expected = bytesOf({
      a: new Int32(-5),
      b: Long.fromBigInt(2n ** 62n),
      c: Long.fromNumber(-(2 ** 40)),
      d: new Double(0.1),
      e: 'grüße 👋',
      f: true,
      g: null,
      h: new Date(-1),
      i: new Timestamp({ t: 5, i: 6 }),
      j: new ObjectId(id),
      k: new Binary(Uint8Array.of(1, 2, 3), 4),
      l: { x: 1 },
      m: [1, ['x']],
      n: {},
    });
    expect(written).toEqual(expected);
  });

  test('copies values and elements so that nothing changes', () => {
    fc.assert(
      fc.property(documentSamples, ({ bytes, fields }) => {
        const writer = new BsonWriter(1);
        writer.startDocument();
        const reader = new ElementReader(bytes);
        while (reader.next()) {
          writer.value(reader.name(), reader);
        }
        expect(writer.endDocument().finish()).toEqual(bytes);
        expect(writer.reset().startDocument().fieldsOf(bytes).endDocument().finish()).toEqual(bytes);
        expect(writer.reset().topLevelDocument(bytes).view()).toEqual(bytes);
        writer.reset().startDocument();
        for (const { name, sample } of fields) writer.value(fieldName(name), sample.raw);
        expect(writer.endDocument().finish()).toEqual(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  test('names items of arrays by their index', () => {
    const count = 1100;
    const writer = new BsonWriter().startDocument().startArray('a');
    for (let i = 0; i < count; i++) writer.int32(i, i);
    const written = writer.end().endDocument().finish();
    expect(written).toEqual(bytesOf({ a: Array.from({ length: count }, (_, i) => i) }));
  });

  test('writes texts of all lengths', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.string({ maxLength: 80 }), (text, rawName) => {
        const name = `n${rawName.replaceAll('\0', '')}`;
        const written = new BsonWriter(1).startDocument().string(name, text).endDocument().finish();
        expect(written).toEqual(bytesOf({ [name]: text }));
      }),
    );
  });

  test('can be used again, and what it gave stays as it was', () => {
    const writer = new BsonWriter();
    const first = writer.startDocument().int32('a', 1).endDocument().finish();
    writer.reset().startDocument().int32('a', 2).endDocument();
    expect(first).toEqual(bytesOf({ a: 1 }));
    expect(writer.length).toBe(first.length);
  });

  test('writes several documents one after the other', () => {
    const writer = new BsonWriter();
    writer.startDocument().int32('a', 1).endDocument().startDocument().endDocument();
    expect(writer.finish()).toEqual(new Uint8Array([...bytesOf({ a: 1 }), ...bytesOf({})]));
  });

  test('refuses to give an unfinished document', () => {
    expect(() => new BsonWriter().startDocument().finish()).toThrow(InvariantError);
    expect(() => new BsonWriter().startDocument().startArray('a').endDocument()).toThrow(InvariantError);
    expect(() => new BsonWriter().startDocument().int64('a', 0.5)).toThrow(InvariantError);
  });
});
