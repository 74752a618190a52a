import { Long, serialize, Timestamp } from 'bson';
import { expect, test } from 'vitest';
import { OPTIME_NULL, termOf, timestampOf } from '../base/optime.ts';
import { fieldName } from './bytes.ts';
import { findField } from './elements.ts';
import { newObjectId, secondsOfObjectId } from './object_id.ts';
import { optimeOfFields, rawTimestamp, readOpTime, timestampFromRaw, writeOpTime } from './optime.ts';
import { RAW_NULL } from './value.ts';
import { BsonWriter } from './writer.ts';

const OPTIME = { ts: timestampOf(4_000_000_000, 7), t: termOf(3) };

test('an optime is written as MongoDB writes it, and read again', () => {
  const writer = new BsonWriter().startDocument();
  writeOpTime(writer, 'optime', OPTIME);
  writeOpTime(writer, 'none', OPTIME_NULL);
  const bytes = writer.endDocument().finish();
  const expected = {
    optime: { ts: new Timestamp({ t: 4_000_000_000, i: 7 }), t: Long.fromNumber(3) },
    none: { ts: new Timestamp({ t: 0, i: 0 }), t: Long.fromNumber(-1) },
  };
  expect(bytes).toEqual(new Uint8Array(serialize(expected)));
  expect(readOpTime(findField(bytes, fieldName('optime')) ?? RAW_NULL)).toEqual(OPTIME);
  expect(readOpTime(findField(bytes, fieldName('none')) ?? RAW_NULL)).toEqual(OPTIME_NULL);
});

test('the fields of an oplog entry give its optime', () => {
  const entry = { op: 'n', ts: new Timestamp({ t: 4_000_000_000, i: 7 }), ns: '', t: Long.fromNumber(3), v: 2 };
  expect(optimeOfFields(new Uint8Array(serialize(entry)))).toEqual(OPTIME);
});

test('what is not an optime is not taken for one', () => {
  expect(readOpTime(RAW_NULL)).toBeUndefined();
  expect(optimeOfFields(new Uint8Array(serialize({ ts: 1, t: 1 })))).toBeUndefined();
});

test('a timestamp value keeps seconds and increment', () => {
  expect(timestampFromRaw(rawTimestamp(OPTIME.ts))).toBe(OPTIME.ts);
});

test('an ObjectId is time, random bytes and counter', () => {
  const id = newObjectId(Uint8Array.of(1, 2, 3, 4, 5), 0xfedc_ba98, 0x1_23_45_67);
  expect(Buffer.from(id).toString('hex')).toBe('fedcba980102030405234567');
  expect(secondsOfObjectId(id)).toBe(0xfedc_ba98);
});
