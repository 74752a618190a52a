import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BSON_TYPE } from '../bson/types.ts';
import { encodeDocument } from '../bson/codec.ts';
import {
  arraySample,
  compareModels,
  decimalSample,
  doubleSample,
  int32Sample,
  int64Sample,
  objectSample,
  plainSamples,
  type Model,
  type Sample,
} from '../../tests/support/arbitrary_bson.ts';
import { compileSort } from './sort.ts';

const FEW: readonly Sample[] = [
  ...[0, 1, -1].map(int32Sample),
  ...[-0, 1, 2.5, Number.NaN, -Infinity].map(doubleSample),
  int64Sample(1n),
  ...['1.0', 'NaN', '2.5'].map(decimalSample),
];
const NULL = plainSamples.filter(({ raw }) => raw.type === BSON_TYPE.null);
const UNDEFINED = plainSamples.filter(({ raw }) => raw.type === BSON_TYPE.undefined);

const leaves = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...FEW) }, plainSamples);
const names = fc.constantFrom('a', 'b');
const { value: values } = fc.letrec<{ value: Sample }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    { weight: 3, arbitrary: leaves },
    { weight: 2, arbitrary: fc.array(tie('value'), { maxLength: 3 }).map(arraySample) },
    {
      weight: 2,
      arbitrary: fc
        .uniqueArray(fc.record({ name: names, sample: tie('value') }), { maxLength: 2, selector: ({ name }) => name })
        .map(objectSample),
    },
  ),
}));
const documents = fc
  .uniqueArray(fc.record({ name: names, sample: values }), { maxLength: 2, selector: ({ name }) => name })
  .map(objectSample);

interface Field {
  readonly path: string;
  readonly direction: 1 | -1;
}

const fields: fc.Arbitrary<readonly Field[]> = fc.uniqueArray(
  fc.record({ path: fc.constantFrom('a', 'b', 'a.b', 'b.a', 'a.b.a'), direction: fc.constantFrom<1 | -1>(1, -1) }),
  { minLength: 1, maxLength: 2, selector: ({ path }) => path.split('.')[0] },
);

/** The two values that stand for what is not there. */
interface Absent {
  readonly missing: Model;
  readonly empty: Model;
}

/** All values that a document sorts by at a path: the rules of index keys. */
function keysAt(value: Sample | undefined, path: readonly string[], absent: Absent): readonly Model[] {
  if (value === undefined) return [absent.missing];
  const [first, ...rest] = path;
  const { fields: inner = [] } = value;
  const isArray = value.raw.type === BSON_TYPE.array;
  if (first === undefined) {
    if (!isArray) return [value.model];
    return inner.length === 0 ? [absent.empty] : inner.map(({ sample }) => sample.model);
  }
  if (value.raw.type === BSON_TYPE.object) {
    return keysAt(inner.find(({ name }) => name === first)?.sample, rest, absent);
  }
  if (!isArray || inner.length === 0) return [absent.missing];
  return inner.flatMap(({ sample }) =>
    sample.raw.type === BSON_TYPE.object ? keysAt(sample, path, absent) : [absent.missing],
  );
}

/** The value that counts: the smallest, or descending the largest. */
function slowKey(document: Sample, sort: readonly Field[], absent: Absent): readonly Model[] {
  return sort.map(({ path, direction }) => {
    const keys = keysAt(document, path.split('.'), absent);
    return keys.reduce((best, key) => (compareModels(key, best) * direction < 0 ? key : best));
  });
}

function slowOrder(a: readonly Model[], b: readonly Model[], sort: readonly Field[]): number {
  for (const [i, { direction }] of sort.entries()) {
    const order = Math.sign(compareModels(a[i], b[i])) * direction;
    if (order !== 0) return order;
  }
  return 0;
}

function meetsArray(document: Sample, path: string): boolean {
  let at: Sample | undefined = document;
  for (const name of path.split('.')) {
    if (at?.raw.type !== BSON_TYPE.object) break;
    at = at.fields?.find((field) => field.name === name)?.sample;
  }
  return at?.raw.type === BSON_TYPE.array;
}

describe('sort keys', () => {
  test('have the order of the values that documents sort by', () => {
    fc.assert(
      fc.property(documents, documents, fields, NULL, UNDEFINED, (one, other, sort, nothing, undefinedValue) => {
        for (const document of [one, other]) {
          fc.pre(sort.filter(({ path }) => meetsArray(document, path)).length < 2);
        }
        const absent = { missing: nothing.model, empty: undefinedValue.model };
        const spec = compileSort(
          encodeDocument(Object.fromEntries(sort.map(({ path, direction }) => [path, direction]))),
        );
        const keys = [one, other].map(({ raw }) => spec?.key(raw.bytes.slice(raw.start, raw.end), 0));
        const order = Math.sign(spec?.compare(keys[0] ?? new Uint8Array(), keys[1] ?? new Uint8Array()) ?? Number.NaN);
        const [a, b] = [one, other].map((document) => slowKey(document, sort, absent));
        expect(order).toBe(slowOrder(a, b, sort));
      }),
      { numRuns: 5_000 * Number(process.env['FUZZ'] ?? 1) },
    );
  });
});
