import { Decimal128, Double, Long } from 'bson';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CommandError } from '../base/command_error.ts';
import { timestampOf } from '../base/optime.ts';
import { unixMs } from '../base/units.ts';
import { decodeDocument, encodeDocument } from '../bson/codec.ts';
import { findField } from '../bson/elements.ts';
import { fieldName } from '../bson/bytes.ts';
import { rawObject, type RawValue } from '../bson/value.ts';
import { compileFilter } from './matcher.ts';
import { applyDiff, compileUpdate, upsertDocument, type UpdateContext, type UpdateResult } from './update.ts';

const CONTEXT: UpdateContext = {
  now: unixMs(1_700_000_000_000),
  timestamp: () => timestampOf(1_700_000_000, 1),
  objectId: () => new Uint8Array(12).fill(7),
};

function operand(update: object): RawValue {
  return rawObject(encodeDocument(update));
}

function run(
  document: object,
  update: object,
  options: { filter?: object; arrayFilters?: object[] } = {},
): UpdateResult {
  const { filter, arrayFilters } = options;
  const list = arrayFilters && findField(encodeDocument({ arrayFilters }), fieldName('arrayFilters'));
  const compiled = compileUpdate(operand(update), { arrayFilters: list });
  return compiled.apply(encodeDocument(document), {
    ...CONTEXT,
    filter: filter && compileFilter(encodeDocument(filter)),
  });
}

/** The new document, or 'noop'. */
function after(document: object, update: object, options = {}): unknown {
  const result = run(document, update, options);
  return result.kind === 'noop' ? 'noop' : decodeDocument(result.document);
}

/** What the oplog gets. */
function diff(document: object, update: object): unknown {
  const result = run(document, update);
  return result.kind === 'changed' && result.diff !== undefined ? decodeDocument(result.diff).diff : result.kind;
}

function refusal(document: object, update: object, options = {}): string {
  try {
    run(document, update, options);
  } catch (error) {
    if (error instanceof CommandError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'accepted';
}

function upserted(filter: object, update: object): unknown {
  return decodeDocument(upsertDocument(compileFilter(encodeDocument(filter)), compileUpdate(operand(update)), CONTEXT));
}

const scalars = fc.oneof(
  fc.constantFrom<unknown>(null, 'x', 'a longer text', true, false),
  fc.integer({ min: -5, max: 5 }),
  fc.constantFrom(0.5, 1.5),
  fc.constantFrom(new Double(1), Long.fromNumber(7), Decimal128.fromString('1.50'), new Date(5)),
);
const names = fc.constantFrom('a', 'b', 'c', '0', '1');
const { value: values } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    { weight: 3, arbitrary: scalars },
    { weight: 2, arbitrary: fc.array(tie('value'), { maxLength: 4 }) },
    { weight: 2, arbitrary: fc.dictionary(names, tie('value'), { maxKeys: 3, noNullPrototype: true }) },
  ),
}));
const documents = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), values, { maxKeys: 4, noNullPrototype: true });
const paths = fc.array(names, { minLength: 1, maxLength: 3 }).map((components) => components.join('.'));
const numbers = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(0.5, Long.fromNumber(2 ** 40)));

/** Per modifier, the operands it takes. */
const OPERANDS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  $set: values,
  $unset: fc.constant(''),
  $inc: numbers,
  $mul: numbers,
  $min: values,
  $max: values,
  $push: fc.oneof(
    values,
    fc.record(
      {
        $each: fc.array(values, { maxLength: 3 }),
        $position: fc.integer({ min: -3, max: 3 }),
        $slice: fc.integer({ min: -3, max: 3 }),
        $sort: fc.constantFrom<unknown>(1, -1, { a: 1 }),
      },
      { requiredKeys: ['$each'] },
    ),
  ),
  $addToSet: fc.oneof(
    values,
    fc.array(values, { maxLength: 3 }).map(($each) => ({ $each })),
  ),
  $pop: fc.constantFrom(1, -1),
  $pull: fc.oneof(scalars, fc.constantFrom<unknown>({ $gt: 0 }, { a: 1 })),
  $pullAll: fc.array(scalars, { maxLength: 3 }),
  $rename: names.map((name) => `r${name}`),
  $bit: fc.constantFrom({ or: 5 }, { xor: 3 }),
  $currentDate: fc.constant(true),
};
const modifiers = fc.constantFrom(...Object.keys(OPERANDS)).chain((name) =>
  fc.dictionary(paths, OPERANDS[name], { minKeys: 1, maxKeys: 2, noNullPrototype: true }).map((fields) => ({
    [name]: fields,
  })),
);
const updates = fc.array(modifiers, { minLength: 1, maxLength: 3 }).map((list) => Object.assign({}, ...list) as object);

/** The result of an update that can be applied, undefined for one that is refused. */
function attempt(document: Uint8Array, update: object): UpdateResult | undefined {
  try {
    return compileUpdate(operand(update)).apply(document, CONTEXT);
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}

describe('updates and their oplog entries', () => {
  test('the entry makes the same bytes of the old document, also when it is applied twice', () => {
    let changed = 0;
    fc.assert(
      fc.property(documents, updates, (fields, update) => {
        const document = encodeDocument({ _id: 1, ...fields });
        const result = attempt(document, update);
        fc.pre(result?.kind === 'changed' && result.diff !== undefined);
        changed++;
        const once = applyDiff(document, result.diff);
        expect(once).toEqual(result.document);
        expect(applyDiff(once, result.diff)).toEqual(result.document);
      }),
      { numRuns: 2000 },
    );
    expect(changed).toBeGreaterThan(1000);
  });

  test('an update leaves the document it was given alone', () => {
    fc.assert(
      fc.property(documents, updates, (fields, update) => {
        const document = encodeDocument({ _id: 1, ...fields });
        const copy = document.slice();
        attempt(document, update);
        expect(document).toEqual(copy);
      }),
    );
  });

  test('an entry can be applied to a document it was not made for', () => {
    fc.assert(
      fc.property(documents, documents, updates, (fields, others, update) => {
        const result = attempt(encodeDocument({ _id: 1, ...fields }), update);
        fc.pre(result?.kind === 'changed' && result.diff !== undefined);
        const once = applyDiff(encodeDocument({ _id: 1, ...others }), result.diff);
        expect(applyDiff(once, result.diff)).toEqual(once);
      }),
      { numRuns: 1000 },
    );
  });

  test('a value patched in place is what the general way makes of it', () => {
    const fields = fc.dictionary(fc.constantFrom('a', 'b', 'c'), scalars, { maxKeys: 3, noNullPrototype: true });
    const sets = fc.dictionary(fc.constantFrom('a', 'b'), scalars, { maxKeys: 2, noNullPrototype: true });
    fc.assert(
      fc.property(fields, sets, numbers, (stored, set, increment) => {
        const document = encodeDocument({ _id: 1, ...stored });
        const update = { $set: set, $inc: { c: increment } };
        const general = { ...update, $unset: { nothing: '' } };
        expect(attempt(document, update)).toEqual(attempt(document, general));
      }),
      { numRuns: 2000 },
    );
  });

  test('the entry says what happened, removals first', () => {
    const document = { _id: 1, a: 1, n: { x: 1, y: [1, 2, 3] }, old: 1 };
    expect(diff(document, { $set: { a: 2, b: { c: 1 } }, $unset: { old: '' } })).toEqual({
      d: { old: false },
      u: { a: 2 },
      i: { b: { c: 1 } },
    });
    expect(diff(document, { $set: { 'n.x': 5 }, $push: { 'n.y': 4 } })).toEqual({
      sn: { u: { x: 5 }, sy: { a: true, u3: 4 } },
    });
    expect(diff(document, { $set: { 'n.y.1': 20 } })).toEqual({ sn: { sy: { a: true, u1: 20 } } });
    expect(diff(document, { $set: { 'n.y.8': 1 } })).toEqual({ sn: { sy: { a: true, u8: 1 } } });
    expect(diff(document, { $pull: { 'n.y': 2 } })).toEqual({ sn: { u: { y: [1, 3] } } });
    expect(diff(document, { $rename: { a: 'z' } })).toEqual({ d: { a: false }, i: { z: 1 } });
    expect(diff(document, { $inc: { a: 1 } })).toEqual({ u: { a: 2 } });
    expect(diff(document, { r: 1 })).toBe('changed');
  });
});

describe('very many at once', () => {
  const names = Array.from({ length: 20_000 }, (_, i) => `f${i}`);
  const numbers = names.map((_, i) => i);

  test('fields that are renamed', () => {
    const document = Object.fromEntries(names.map((name, i) => [name, i]));
    const renamed = { $rename: Object.fromEntries(names.map((name) => [name, `g.${name}`])) };
    expect(diff({ _id: 1, ...document, g: {} }, renamed)).toEqual({
      d: Object.fromEntries(names.map((name) => [name, false])),
      sg: { i: document },
    });
  });

  test('values that an array shall have, or shall not', () => {
    const document = { _id: 1, l: numbers };
    const others = [...numbers.slice(1), ...names, ...names];
    const added = Object.fromEntries(names.map((name, i) => [`u${numbers.length + i}`, name]));
    expect(diff(document, { $addToSet: { l: { $each: others } } })).toEqual({ sl: { a: true, ...added } });
    expect(diff(document, { $pullAll: { l: others } })).toEqual({ u: { l: [0] } });
  });
});

describe('entries applied to other documents', () => {
  const apply = (document: object, edits: object): unknown =>
    decodeDocument(applyDiff(encodeDocument(document), encodeDocument({ $v: 2, diff: edits })));

  test('a missing field is appended, updates before inserts; an inserted one moves to the end', () => {
    expect(Object.keys(apply({ z: 1 }, { u: { a: 1 }, i: { b: 1 } }) as object)).toEqual(['z', 'a', 'b']);
    expect(Object.keys(apply({ b: 9, z: 1 }, { i: { b: 1 } }) as object)).toEqual(['z', 'b']);
  });

  test('changes inside a missing field are nothing, inside one of another type they leave null', () => {
    expect(apply({ z: 1 }, { sa: { u: { x: 1 } } })).toEqual({ z: 1 });
    expect(apply({ a: 5 }, { sa: { u: { x: 1 } } })).toEqual({ a: null });
    expect(apply({ a: { x: 1 } }, { sa: { a: true, u0: 1 } })).toEqual({ a: null });
  });

  test('arrays are cut, then changed, then filled up with null', () => {
    expect(apply({ a: [1, 2, 3] }, { sa: { a: true, l: 1, u3: 9 } })).toEqual({ a: [1, null, null, 9] });
    expect(apply({ a: [1] }, { sa: { a: true, s2: { u: { x: 1 } } } })).toEqual({ a: [1, null, null] });
  });

  test('malformed entries are refused', () => {
    const code = (entry: object): number | undefined => {
      try {
        applyDiff(encodeDocument({}), encodeDocument(entry));
      } catch (error) {
        return error instanceof CommandError ? error.code : undefined;
      }
      return 0;
    };
    expect(code({ $v: 1, diff: {} })).toBe(4728000);
    expect(code({ $v: 2, diff: { u: { a: 1 }, i: { a: 1 } } })).toBe(4728000);
    expect(code({ $v: 2, diff: { x: { a: 1 } } })).toBe(4728000);
  });
});

describe('modifiers', () => {
  test('new fields are appended in the order of their names, numbers by value', () => {
    const result = after({ _id: 1 }, { $set: { z: 1, 'n.10': 1, 'n.9': 1, b: 1 }, $inc: { a: 1 }, $push: { p: 1 } });
    expect(Object.keys(result as object)).toEqual(['_id', 'a', 'b', 'n', 'p', 'z']);
  });

  test('nothing to do is a noop', () => {
    expect(after({ a: 1 }, { $set: { a: 1 } })).toBe('noop');
    expect(after({ a: 1 }, { $inc: { a: 0 } })).toBe('noop');
    expect(after({ a: 1 }, { $unset: { b: '' } })).toBe('noop');
    expect(after({ a: 1 }, { $setOnInsert: { b: 1 } })).toBe('noop');
    expect(after({ a: [1] }, { $addToSet: { a: 1 } })).toBe('noop');
    expect(after({ a: 1 }, { $set: {} })).toBe('noop');
  });

  test('numbers keep or widen their type', () => {
    expect(after({ a: 2 ** 31 - 1 }, { $inc: { a: 1 } })).toEqual({ a: 2n ** 31n });
    expect(after({ a: 1 }, { $inc: { a: 0.5 } })).toEqual({ a: 1.5 });
    expect(String((after({ a: 1 }, { $inc: { a: Decimal128.fromString('0.50') } }) as { a: unknown }).a)).toBe('1.50');
    expect(after({}, { $mul: { a: Long.fromNumber(5) } })).toEqual({ a: 0n });
    expect(refusal({ _id: 1, a: Long.MAX_VALUE }, { $inc: { a: 1 } })).toBe(
      '2 Failed to apply $inc operations to current value ((NumberLong)9223372036854775807) for document {_id: 1}',
    );
  });

  test('positions in arrays: the matched one, all, and those that pass a filter', () => {
    const document = {
      a: [
        { k: 1, n: 1 },
        { k: 2, n: 2 },
      ],
    };
    expect(after(document, { $inc: { 'a.$.n': 10 } }, { filter: { 'a.k': 2 } })).toEqual({
      a: [
        { k: 1, n: 1 },
        { k: 2, n: 12 },
      ],
    });
    expect(after({ a: [1, 2] }, { $mul: { 'a.$[]': 3 } })).toEqual({ a: [3, 6] });
    expect(after({ a: [1, 5, 9] }, { $set: { 'a.$[e]': 0 } }, { arrayFilters: [{ e: { $gte: 5 } }] })).toEqual({
      a: [1, 0, 0],
    });
  });

  test.each([
    [
      { $foo: { a: 1 } },
      '9 Unknown modifier: $foo. Expected a valid update modifier or pipeline-style update specified as an array',
    ],
    [
      { $set: 5 },
      '9 Modifiers operate on fields but we found type int instead. For example: {$mod: {<field>: ...}} not {$set: 5}',
    ],
    [{ $set: { a: 1, 'a.b': 2 } }, "40 Updating the path 'a.b' would create a conflict at 'a'"],
    [{ $set: { a: 1 }, $inc: { a: 2 } }, "40 Updating the path 'a' would create a conflict at 'a'"],
    [{ $set: { _id: 2 } }, "66 Performing an update on the path '_id' would modify the immutable field '_id'"],
    [
      { $inc: { s: 1 } },
      "14 Cannot apply $inc to a value of non-numeric type. {_id: 1} has the field 's' of non-numeric type string",
    ],
    [{ $inc: { a: 'x' } }, '14 Cannot increment with non-numeric argument: {a: "x"}'],
    [{ $set: { 's.b': 1 } }, '28 Cannot create field \'b\' in element {s: "x"}'],
    [{ $set: { 'l.x': 1 } }, "28 Cannot create field 'x' in element {l: [ 1 ]}"],
    [{ $push: { s: 1 } }, "2 The field 's' must be an array but is of type string in document {_id: 1}"],
    [{ $set: { '': 1 } }, '56 An empty update path is not valid.'],
    [{ $set: { 'a..b': 1 } }, "56 The update path 'a..b' contains an empty field name, which is not allowed."],
    [{ $set: { 'l.$': 1 } }, '2 The positional operator did not find the match needed from the query.'],
    [{ $set: { 'l.$[e]': 1 } }, "2 No array filter found for identifier 'e' in path 'l.$[e]'"],
    [{ b: 1, $set: { a: 1 } }, /^52 /],
    [{ $set: { $a: 1 } }, "52 The dollar ($) prefixed field '$a' in '$a' is not valid for storage."],
    [{ _id: 2 }, "66 After applying the update, the (immutable) field '_id' was found to have been altered to _id: 2"],
  ])('refuse %j', (update, message) => {
    expect(refusal({ _id: 1, a: 1, s: 'x', l: [1] }, update)).toMatch(message);
  });
});

describe('limits', () => {
  const nested = (depth: number): object => (depth === 1 ? {} : { a: nested(depth - 1) });

  test('no document comes out nested deeper than 180 levels', () => {
    expect(refusal(nested(180), { $set: { 'a.b': 1 } })).toBe('accepted');
    expect(refusal({ _id: 1 }, { $set: { b: nested(179) } })).toBe('accepted');
    expect(refusal({ _id: 1 }, { $set: { b: nested(180) } })).toBe('15 Document exceeds maximum nesting depth of 180');
    expect(refusal({ _id: 1, b: nested(178) }, { $rename: { b: 'c.d.e' } })).toMatch(/^15 /);
    expect(refusal({ _id: 1 }, nested(181))).toMatch(/^15 /);
  });

  test('no document comes out larger than 16 MB', () => {
    const half = 'x'.repeat(9 * 1024 * 1024);
    expect(refusal({ _id: 1, a: half }, { $set: { b: half } })).toMatch(/^17419 /);
  });
});

describe('replacements', () => {
  test('keep the _id in front', () => {
    expect(after({ _id: 1, a: 1 }, { b: 2 })).toEqual({ _id: 1, b: 2 });
    expect(Object.keys(after({ _id: 1 }, { b: 2, _id: 1 }) as object)).toEqual(['_id', 'b']);
  });

  test('that are the document change nothing', () => {
    expect(after({ _id: 1, a: 1 }, { _id: 1, a: 1 })).toBe('noop');
  });
});

describe('upserts', () => {
  test('take equalities of the filter, then the update, and make an _id', () => {
    const filter = { b: 1, 'n.x': 2, c: { $gt: 5 }, $and: [{ a: { $eq: 3 } }] };
    const result = upserted(filter, { $set: { z: 1 }, $setOnInsert: { 'n.y': 4 } });
    expect(Object.keys(result as object)).toEqual(['_id', 'a', 'b', 'n', 'z']);
    expect(result).toMatchObject({ a: 3, b: 1, n: { x: 2, y: 4 }, z: 1 });
  });

  test('may make fields whose names begin with a dollar sign', () => {
    expect(upserted({ _id: 1 }, { $set: { $a: 1 } })).toEqual({ _id: 1, $a: 1 });
  });

  test('alternatives pin a value when all of them are one and the same equality', () => {
    const update = { $set: { z: 1 } };
    expect(upserted({ _id: 1, $or: [{ a: 2 }, { a: new Double(2) }] }, update)).toEqual({ _id: 1, a: 2, z: 1 });
    expect(upserted({ _id: 1, a: { $in: [2, 2] } }, update)).toEqual({ _id: 1, a: 2, z: 1 });
    expect(upserted({ _id: 1, $or: [{ a: 2 }, { a: 3 }] }, update)).toEqual({ _id: 1, z: 1 });
    expect(upserted({ _id: 1, $or: [{ a: 2 }, { b: 2 }] }, update)).toEqual({ _id: 1, z: 1 });
  });

  test('of a replacement take only the _id', () => {
    expect(upserted({ _id: 9, a: 1 }, { b: 2 })).toEqual({ _id: 9, b: 2 });
    expect(() => upserted({ '_id.a': 1 }, { b: 2 })).toThrow(/must be exactly specified/);
  });

  test('cannot give two values to one path', () => {
    expect(() => upserted({ a: 1, $and: [{ a: 2 }] }, { $set: { z: 1 } })).toThrow(/matched twice/);
  });
});
