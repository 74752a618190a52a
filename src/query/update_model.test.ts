import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CommandError } from '../base/command_error.ts';
import { timestampOf } from '../base/optime.ts';
import { unixMs } from '../base/units.ts';
import { BSON_TYPE } from '../bson/types.ts';
import { rawObject } from '../bson/value.ts';
import { BsonWriter } from '../bson/writer.ts';
import {
  arraySample,
  decimalSample,
  doubleSample,
  int32Sample,
  int64Sample,
  numberSamples,
  objectSample,
  plainSamples,
  type Sample,
} from '../../tests/support/arbitrary_bson.ts';
import { applyDiff, compileUpdate, type UpdateContext, type UpdateResult } from './update.ts';
import { writeDiff } from './update/diff.ts';
import { documentDiff } from './update/document_diff.ts';

const CONTEXT: UpdateContext = {
  now: unixMs(0),
  timestamp: () => timestampOf(1, 1),
  objectId: () => new Uint8Array(12),
};

const NUMBERS = [int32Sample(1), int32Sample(-3), doubleSample(0.5), int64Sample(2n ** 40n), decimalSample('1.50')];
const names = fc.constantFrom('a', 'b', 'c', '0', '1', 'd', 'i', 's', 'u');
const leaves = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...NUMBERS) },
  { weight: 2, arbitrary: plainSamples },
  numberSamples,
);
const { value: values } = fc.letrec<{ value: Sample }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    { weight: 3, arbitrary: leaves },
    { weight: 2, arbitrary: fc.array(tie('value'), { maxLength: 4 }).map(arraySample) },
    { weight: 2, arbitrary: fieldsOf(tie('value')).map(objectSample) },
  ),
}));
const documents = fieldsOf(values).map(objectSample).map(bytesOf);

function fieldsOf(value: fc.Arbitrary<Sample>): fc.Arbitrary<{ name: string; sample: Sample }[]> {
  return fc.uniqueArray(fc.record({ name: names, sample: value }), { maxLength: 4, selector: ({ name }) => name });
}

function bytesOf({ raw }: Sample): Uint8Array {
  return raw.bytes.slice(raw.start, raw.end);
}

interface Change {
  readonly modifier: string;
  readonly path: string;
  readonly operand: Sample;
}

const MODIFIERS = ['$set', '$unset', '$inc', '$mul', '$min', '$max', '$push', '$addToSet', '$pull', '$pullAll', '$pop'];

/** Operands of any type: what an operator refuses is no test of it. */
const changes: fc.Arbitrary<readonly Change[]> = fc.uniqueArray(
  fc.record({
    modifier: fc.constantFrom(...MODIFIERS),
    path: fc.array(names, { minLength: 1, maxLength: 3 }).map((components) => components.join('.')),
    operand: fc.oneof(values, fc.constantFrom(...NUMBERS), fc.array(values, { maxLength: 3 }).map(arraySample)),
  }),
  { minLength: 1, maxLength: 3, selector: ({ modifier }) => modifier },
);

function attempt(document: Uint8Array, list: readonly Change[]): UpdateResult | undefined {
  const writer = new BsonWriter().startDocument();
  for (const { modifier, path, operand } of list) {
    writer.startSubdocument(modifier).value(path, operand.raw).end();
  }
  try {
    return compileUpdate(rawObject(writer.endDocument().finish())).apply(document, CONTEXT);
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}

const FUZZ = Number(process.env['FUZZ'] ?? 1);

describe('over values of all types', () => {
  test('the entry of an update makes the same bytes of the old document, also when it is applied twice', () => {
    let changed = 0;
    fc.assert(
      fc.property(documents, changes, (document, list) => {
        const before = document.slice();
        const result = attempt(document, list);
        expect(document).toEqual(before);
        if (result?.kind !== 'changed' || result.diff === undefined) return;
        changed += 1;
        const once = applyDiff(before, result.diff);
        expect(once).toEqual(result.document);
        expect(applyDiff(once, result.diff)).toEqual(once);
      }),
      { numRuns: 4_000 * FUZZ },
    );
    expect(changed).toBeGreaterThan(1_000 * FUZZ);
  });

  test('the entry of the difference of two documents makes the second of the first, also when it is applied twice', () => {
    fc.assert(
      fc.property(documents, documents, (before, after) => {
        const diff = writeDiff(documentDiff(rawObject(before), rawObject(after)));
        const once = applyDiff(before, diff);
        expect(once).toEqual(after);
        expect(applyDiff(once, diff)).toEqual(once);
      }),
      { numRuns: 4_000 * FUZZ },
    );
  });

  test('a value that is set again changes nothing', () => {
    const fine = values.filter(({ raw }) => raw.type !== BSON_TYPE.undefined);
    fc.assert(
      fc.property(documents, names, fine, (document, name, operand) => {
        const result = attempt(document, [{ modifier: '$set', path: name, operand }]);
        const bytes = result?.kind === 'changed' ? result.document : document;
        const twice = attempt(bytes, [{ modifier: '$set', path: name, operand }]);
        expect(result).toBeDefined();
        expect(twice).toEqual({ kind: 'noop' });
      }),
      { numRuns: 2_000 * FUZZ },
    );
  });
});
