import { CommandError } from '../../base/command_error.ts';
import type { ValueSpan } from '../../bson/types.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { describeDocument } from '../../query/describe.ts';
import type { IndexSpec } from '../index_kinds/index_kind.ts';

/**
 * DuplicateKey (11000) with MongoDB's text and the fields `keyPattern` and `keyValue`, which drivers expose.
 * `values` are those of the key that is there already, one per field of the index.
 */
export function duplicateKeyError(ns: string, spec: IndexSpec, values: readonly ValueSpan[]): CommandError {
  const writer = new BsonWriter().startDocument();
  for (const [i, field] of spec.fields.entries()) writer.value(field.path, values[i]);
  const keyValue = writer.endDocument().finish();
  const collation = spec.collation === undefined ? '' : ` collation: ${describeDocument(spec.collation)}`;
  return new CommandError(
    'DuplicateKey',
    `E11000 duplicate key error collection: ${ns} index: ${spec.name}${collation} dup key: ${describeDocument(keyValue)}`,
    { keyPattern: spec.key, keyValue },
  );
}
