/** What one value may take while it is computed: a client must not be able to use up the memory of the member. */
import { CommandError } from '../../base/command_error.ts';
import { BSON_MESSAGE_DEPTH_MAX, BSON_OBJECT_SIZE_BYTES_MAX, EXPRESSION_VALUE_BYTES_MAX } from '../../base/limits.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { documentDepth } from '../../bson/validate.ts';
import type { Value } from './types.ts';

/** Throws ExceededMemoryLimit. `operator`: who makes the value. */
export function checkValueSize(bytes: number, operator = 'an expression'): void {
  if (bytes <= EXPRESSION_VALUE_BYTES_MAX) return;
  const limit = `Memory limit: ${EXPRESSION_VALUE_BYTES_MAX} bytes`;
  throw new CommandError('ExceededMemoryLimit', `${operator} used too much memory and cannot spill to disk. ${limit}`);
}

/** Of a text; characters count as bytes, which there are at least as many of. Throws 16493. */
export function checkTextSize(bytes: number): void {
  if (bytes >= BSON_OBJECT_SIZE_BYTES_MAX) throw new CommandError(16493, 'Tried to create string longer than 16MB');
}

/** Throws Overflow for a value that no document can hold. */
export function checkValueDepth(value: Value): void {
  if (value === undefined || (value.type !== BSON_TYPE.object && value.type !== BSON_TYPE.array)) return;
  if (documentDepth(value.bytes, value.start) < BSON_MESSAGE_DEPTH_MAX) return;
  const levels = BSON_MESSAGE_DEPTH_MAX - 1;
  const text = `cannot convert document to BSON because it exceeds the limit of ${levels} levels of nesting`;
  throw new CommandError('Overflow', text);
}
