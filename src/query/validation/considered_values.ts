/** The values a condition looked at, as the explanation of its failure shows them. */
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import { RawValue } from '../../bson/value.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import { filterPath, pathTest, someValue } from '../match/path.ts';
import { MISSING, type ValueTest } from '../match/value_test.ts';
import { rawArrayOf } from '../update/array_value.ts';
import { findField } from '../../bson/elements.ts';
import { fieldName } from '../../bson/bytes.ts';

/** Further values are not shown. Source: the server parameter internalQueryMaxDocValidationErrorConsideredValues. */
const CONSIDERED_VALUES_MAX = 10;

export interface ConsideredValues {
  /** Undefined: the path leads to nothing. */
  readonly values: readonly RawValue[] | undefined;
  readonly isCut: boolean;
}

/** What `path` leads to; `expandsArrays`: an array at its end stands for its items. */
export function consideredValues(document: Uint8Array, path: string, expandsArrays: boolean): ConsideredValues {
  const values: RawValue[] = [];
  let exists = false;
  let isCut = false;
  const note: ValueTest = (bytes, type, start, end) => {
    if (type === MISSING) return true;
    exists = true;
    isCut = values.length === CONSIDERED_VALUES_MAX;
    if (!isCut) values.push(new RawValue(type, bytes, start, end));
    return isCut;
  };
  const visit: ValueTest = (bytes, type, start, end) => {
    if (!expandsArrays || type !== BSON_TYPE.array) return note(bytes, type, start, end);
    exists = true;
    return someValue(bytes, start, note);
  };
  const [first] = path.split('.');
  const top = findField(document, fieldName(first));
  if (top !== undefined) pathTest(filterPath(path), visit, false)(top.bytes, top.type, top.start, top.end);
  return { values: exists ? values : undefined, isCut };
}

export function writeConsidered(writer: BsonWriter, { values, isCut }: ConsideredValues): void {
  if (values === undefined) return;
  const [only] = values;
  if (values.length === 1) writer.value('consideredValue', only);
  else writer.value('consideredValues', rawArrayOf(values));
  if (isCut) writer.bool('consideredValuesTruncated', true);
}

export function writeConsideredTypes(writer: BsonWriter, { values = [] }: ConsideredValues): void {
  if (values.length === 0) return;
  writeNames(writer, 'consideredType', new Set(values.map((value) => typeAlias(value.type))));
}

/** One name as itself, several as a sorted list under the plural. */
export function writeNames(writer: BsonWriter, name: string, names: ReadonlySet<string>): void {
  const sorted = [...names].toSorted();
  if (sorted.length === 1) {
    writer.string(name, sorted[0]);
    return;
  }
  writer.startArray(`${name}s`);
  for (const [i, one] of sorted.entries()) writer.string(i, one);
  writer.end();
}
