/** The order that an index with a collation has in MongoDB, told by values: its keys here do not tell it. */
import { invariant } from '../../base/invariant.ts';
import { ElementReader } from '../../bson/elements.ts';
import type { RawValue } from '../../bson/value.ts';
import type { Index } from '../index/index.ts';

/** Values of the fields of an index, in its order. */
export type KeyValues = readonly RawValue[];

export function compareInIndex({ spec }: Index, a: KeyValues, b: KeyValues): number {
  const { equality, fields } = spec;
  invariant(equality !== undefined, 'the index has a collation');
  for (const [i, { descending }] of fields.entries()) {
    const compared = equality.order.compare(a[i], b[i]);
    if (compared !== 0) return descending ? -compared : compared;
  }
  return 0;
}

/** The values of a document, whatever its fields are called. */
export function valuesIn(document: Uint8Array): RawValue[] {
  const values: RawValue[] = [];
  const reader = new ElementReader(document);
  while (reader.next()) values.push(reader.value());
  return values;
}
