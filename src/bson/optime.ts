/** Optimes and timestamps in documents. */
import { incrementOf, isTerm, secondsOf, timestampOf, type OpTime, type Timestamp } from '../base/optime.ts';
import { int64AsNumberAt, uint32At } from './bytes.ts';
import { ElementReader } from './elements.ts';
import { BSON_TYPE, type ValueSpan } from './types.ts';
import { rawValue, type RawValue } from './value.ts';
import { writeInt32, fieldName } from './bytes.ts';
import type { BsonWriter, FieldName } from './writer.ts';

const TS = fieldName('ts');
const T = fieldName('t');

/** The timestamp of a value of that type; the caller has checked the type. */
export function timestampFromRaw(value: ValueSpan): Timestamp {
  return timestampOf(uint32At(value.bytes, value.start + 4), uint32At(value.bytes, value.start));
}

export function rawTimestamp(timestamp: Timestamp): RawValue {
  const bytes = new Uint8Array(8);
  writeInt32(bytes, 0, incrementOf(timestamp));
  writeInt32(bytes, 4, secondsOf(timestamp));
  return rawValue(BSON_TYPE.timestamp, bytes);
}

/** {ts: timestamp, t: int64}, as MongoDB writes optimes. */
export function writeOpTime(writer: BsonWriter, name: FieldName, optime: OpTime): void {
  writer.startSubdocument(name).timestamp(TS, optime.ts).int64(T, optime.t).end();
}

/** Undefined when the value is not a document with a timestamp `ts` and a term `t`. */
export function readOpTime(value: ValueSpan): OpTime | undefined {
  if (value.type !== BSON_TYPE.object) return undefined;
  return optimeOfFields(value.bytes, value.start);
}

/** The fields `ts` and `t` of a document, as oplog entries have them side by side with others. */
export function optimeOfFields(bytes: Uint8Array, at = 0): OpTime | undefined {
  const reader = new ElementReader(bytes, at);
  let ts: Timestamp | undefined;
  let t: number | undefined;
  while (reader.next()) {
    if (reader.type === BSON_TYPE.timestamp && reader.nameEquals(TS)) ts = timestampFromRaw(reader);
    else if (reader.type === BSON_TYPE.int64 && reader.nameEquals(T)) t = int64AsNumberAt(bytes, reader.start);
    if (ts !== undefined && t !== undefined) return isTerm(t) ? { ts, t } : undefined;
  }
  return undefined;
}
