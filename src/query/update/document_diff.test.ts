import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeDocument } from '../../bson/codec.ts';
import { rawObject } from '../../bson/value.ts';
import { compileUpdate } from '../update.ts';
import { applyDiff, type UpdateContext } from '../update.ts';
import { applyEdits } from './apply_edits.ts';
import { documentDiff } from './document_diff.ts';
import { rawArrayOf } from './array_value.ts';
import { unixMs } from '../../base/units.ts';
import { TIMESTAMP_NULL } from '../../base/optime.ts';

const VALUE = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.integer({ min: 0, max: 3 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), tie('value')),
  ),
})).value;
const DOCUMENT = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e'), VALUE);

const CONTEXT: UpdateContext = {
  now: unixMs(0),
  timestamp: () => TIMESTAMP_NULL,
  objectId: () => new Uint8Array(12),
};

test('the edits between two documents make the second of the first', () => {
  fc.assert(
    fc.property(DOCUMENT, DOCUMENT, (before, after) => {
      const [from, to] = [encodeDocument(before), encodeDocument(after)];
      expect(applyEdits(from, documentDiff(rawObject(from), rawObject(to)))).toEqual(to);
    }),
  );
});

test('an update by a pipeline logs what it changed, and a field that is removed and set again keeps its place', () => {
  const stages = [{ $unset: 'a' }, { $set: { a: { $add: ['$b', 1] }, z: 1 } }];
  const update = compileUpdate(rawArrayOf(stages.map((stage) => rawObject(encodeDocument(stage)))));
  const before = encodeDocument({ _id: 1, a: 1, b: 2, text: 'x'.repeat(100) });
  const result = update.apply(before, CONTEXT);
  const after = encodeDocument({ _id: 1, a: 3, b: 2, text: 'x'.repeat(100), z: 1 });
  expect(result).toMatchObject({ kind: 'changed', document: after });
  expect(result.kind === 'changed' && result.diff !== undefined && applyDiff(before, result.diff)).toEqual(after);
});
