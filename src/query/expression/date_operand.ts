/** Dates, time zones and units as operands. */
import { CommandError } from '../../base/command_error.ts';
import { int64At, uint32At, writeInt64 } from '../../bson/bytes.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { rawValue, stringOf, type RawValue } from '../../bson/value.ts';
import { timeZoneOf, UTC, type TimeZone } from '../date/time_zone.ts';
import { isNullish, typeNameOf } from './build.ts';
import type { Expression } from './types.ts';

/** Milliseconds since 1970 of a date, a timestamp or an ObjectId; undefined for other types. */
export function maybeInstantOf(value: RawValue): bigint | undefined {
  const { bytes, start } = value;
  switch (value.type) {
    case BSON_TYPE.date:
      return int64At(bytes, start);
    case BSON_TYPE.timestamp:
      return BigInt(uint32At(bytes, start + 4)) * 1000n;
    case BSON_TYPE.objectId:
      // The first four bytes are the seconds, the highest first.
      return (
        BigInt(((bytes[start] << 24) | (bytes[start + 1] << 16) | (bytes[start + 2] << 8) | bytes[start + 3]) >>> 0) *
        1000n
      );
    default:
      return undefined;
  }
}

/** As {@link maybeInstantOf}. Throws 16006 for other types. */
export function instantOf(value: RawValue): bigint {
  const instant = maybeInstantOf(value);
  if (instant !== undefined) return instant;
  throw new CommandError(16006, `can't convert from BSON type ${typeNameOf(value)} to Date`);
}

export function rawInstant(unixMs: bigint): RawValue {
  const bytes = new Uint8Array(8);
  writeInt64(bytes, 0, unixMs);
  return rawValue(BSON_TYPE.date, bytes);
}

/** UTC when there is no operand, undefined when it is null. Throws 40517 and 40485. */
export function zoneOperand(part: Expression | undefined, root: Uint8Array): TimeZone | undefined {
  if (part === undefined) return UTC;
  const value = part.evaluate(root);
  if (isNullish(value)) return undefined;
  if (value.type === BSON_TYPE.string) return timeZoneOf(stringOf(value));
  throw new CommandError(40517, `timezone must evaluate to a string, found ${typeNameOf(value)}`);
}
