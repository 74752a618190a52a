import { serialize } from 'bson';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { documentSamples } from '../../tests/support/arbitrary_bson.ts';
import { InvariantError } from '../base/invariant.ts';
import { fieldName } from './bytes.ts';
import { ElementReader, findField } from './elements.ts';
import { Splicer } from './splice.ts';
import type { RawValue } from './value.ts';
import { BsonWriter } from './writer.ts';

function bytesOf(object: object): Uint8Array {
  return new Uint8Array(serialize(object));
}

/** The elements of a document without its frame. */
function elementsOf(object: object): Uint8Array {
  return bytesOf(object).slice(4, -1);
}

function valueAt(bytes: Uint8Array, path: readonly string[]): RawValue {
  let at = 0;
  let value: RawValue | undefined;
  for (const name of path) {
    value = findField(bytes, fieldName(name), at);
    at = value?.start ?? 0;
  }
  if (value === undefined) throw new Error(`${path.join('.')} is missing`);
  return value;
}

const NOTHING = new Uint8Array(0);

describe('splicing', () => {
  test('without edits copies the document', () => {
    const bytes = bytesOf({ a: 1 });
    expect(new Splicer().reset(bytes).finish()).toEqual(bytes);
  });

  test('inserts, replaces and removes at several depths in one pass', () => {
    const bytes = bytesOf({ first: 1, a: { b: [1, 'two', { c: 'x' }], d: 4 }, last: true });
    const a = valueAt(bytes, ['a']);
    const b = valueAt(bytes, ['a', 'b']);
    const item = valueAt(bytes, ['a', 'b', '2']);
    const c = valueAt(bytes, ['a', 'b', '2', 'c']);
    const last = valueAt(bytes, ['last']);
    const d = valueAt(bytes, ['a', 'd']);
    const result = new Splicer()
      .reset(bytes)
      .replace(4, 4, elementsOf({ zero: 'front' }))
      .replace(c.start, c.end, valueAt(bytesOf({ v: 'a longer text' }), ['v']).bytes.slice(7, -1), [
        a.start,
        b.start,
        item.start,
      ])
      .replace(item.end, item.end, elementsOf({ 3: 5 }), [a.start, b.start])
      .replace(d.start - 3, d.end, NOTHING, [a.start])
      .replace(last.end, last.end, elementsOf({ end: null }))
      .finish();
    expect(result).toEqual(
      bytesOf({ zero: 'front', first: 1, a: { b: [1, 'two', { c: 'a longer text' }, 5] }, last: true, end: null }),
    );
  });

  test('of a document in the middle of a buffer leaves the buffer alone', () => {
    const document = bytesOf({ a: { b: 1 } });
    const buffer = new Uint8Array([1, 2, 3, ...document, 9]);
    const before = buffer.slice();
    const inner = findField(buffer, fieldName('a'), 3)?.start ?? 0;
    const result = new Splicer()
      .reset(buffer, 3)
      .replace(inner + 4, inner + 4, elementsOf({ x: 1 }), [inner])
      .finish();
    expect(result).toEqual(bytesOf({ a: { x: 1, b: 1 } }));
    expect(buffer).toEqual(before);
  });

  test('top-level fields equals building the document anew', () => {
    const actions = fc.array(fc.constantFrom('keep', 'remove', 'replace', 'insert'), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(documentSamples, actions, ({ bytes }, choices) => {
        const splicer = new Splicer().reset(bytes);
        const writer = new BsonWriter().startDocument();
        const reader = new ElementReader(bytes);
        const fresh = elementsOf({ fresh: 'value' });
        for (let i = 0; reader.next(); i++) {
          const { elementStart, end } = reader;
          const kept = choices[i] === 'keep' || choices[i] === 'insert';
          const added = choices[i] === 'replace' || choices[i] === 'insert';
          if (!kept || added) splicer.replace(elementStart, kept ? elementStart : end, added ? fresh : NOTHING);
          if (added) writer.element(fresh, 0, fresh.length);
          if (kept) writer.element(bytes, elementStart, end);
        }
        expect(splicer.finish()).toEqual(writer.endDocument().finish());
      }),
      { numRuns: 2000 },
    );
  });

  test('refuses edits out of order or outside of the document', () => {
    const bytes = bytesOf({ a: 1, b: 2 });
    expect(() => new Splicer().reset(bytes).replace(11, 12, NOTHING).replace(4, 5, NOTHING)).toThrow(InvariantError);
    expect(() => new Splicer().reset(bytes).replace(4, bytes.length, NOTHING)).toThrow(InvariantError);
    expect(() => new Splicer().reset(bytes).replace(2, 3, NOTHING)).toThrow(InvariantError);
  });
});
