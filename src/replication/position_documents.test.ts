import { Long, ObjectId, Timestamp as BsonTimestamp } from 'bson';
import { describe, expect, test } from 'vitest';
import { termOf, timestampOf, type OpTime } from '../base/optime.ts';
import { unixMs } from '../base/units.ts';
import { decodeDocument, encodeDocument } from '../bson/codec.ts';
import { fieldName } from '../bson/bytes.ts';
import { findField } from '../bson/elements.ts';
import { BsonWriter } from '../bson/writer.ts';
import type { OplogQueryData, ReplData, UpdatePosition } from './messages.ts';
import {
  decodeUpdatePosition,
  encodeUpdatePosition,
  readOplogQueryDataBytes,
  readReplDataBytes,
  writeOplogQueryData,
  writeReplData,
} from './position_documents.ts';

function at(seconds: number, term: number): OpTime {
  return { ts: timestampOf(seconds, 3), t: termOf(term) };
}

const REPL_DATA: ReplData = {
  term: termOf(4),
  commitPoint: { optime: at(10, 4), wall: unixMs(10_500) },
  lastVisible: at(11, 4),
  configVersion: 2,
  configTerm: termOf(4),
  replicaSetId: '6b010c43b2b0b51ff9d7910c',
  syncSourceIndex: -1,
  isPrimary: true,
};

const QUERY_DATA: OplogQueryData = {
  commitPoint: REPL_DATA.commitPoint,
  lastApplied: at(12, 4),
  lastWritten: at(13, 4),
  rollbackId: 7,
  primaryIndex: 0,
  syncSourceIndex: -1,
  syncSourceHost: '',
};

const UPDATE: UpdatePosition = {
  positions: [
    {
      memberId: 5,
      configVersion: 2,
      progress: {
        written: { optime: at(13, 4), wall: unixMs(13_000) },
        applied: { optime: at(12, 4), wall: unixMs(12_000) },
        durable: { optime: at(11, -1), wall: unixMs(11_000) },
      },
    },
  ],
  replData: REPL_DATA,
};

function bsonOpTime(seconds: number, term: number): object {
  return { ts: new BsonTimestamp({ t: seconds, i: 3 }), t: BigInt(term) };
}

describe('position reports and metadata as bytes', () => {
  test('a report is the document MongoDB sends', () => {
    expect(decodeDocument(encodeUpdatePosition(UPDATE))).toMatchObject({
      replSetUpdatePosition: 1,
      optimes: [
        {
          durableOpTime: bsonOpTime(11, -1),
          durableWallTime: new Date(11_000),
          appliedOpTime: bsonOpTime(12, 4),
          writtenOpTime: bsonOpTime(13, 4),
          memberId: 5,
          cfgver: 2n,
        },
      ],
      $replData: { term: 4n, replicaSetId: new ObjectId(REPL_DATA.replicaSetId), isPrimary: true },
    });
  });

  test('what is written is read again', () => {
    expect(decodeUpdatePosition(encodeUpdatePosition(UPDATE))).toEqual(UPDATE);
    const writer = new BsonWriter().startDocument();
    writeReplData(writer, REPL_DATA);
    writeOplogQueryData(writer, QUERY_DATA);
    const bytes = writer.endDocument().finish();
    const replData = findField(bytes, fieldName('$replData'));
    const queryData = findField(bytes, fieldName('$oplogQueryData'));
    expect(replData === undefined ? undefined : readReplDataBytes(replData)).toEqual(REPL_DATA);
    expect(queryData === undefined ? undefined : readOplogQueryDataBytes(queryData)).toEqual(QUERY_DATA);
  });

  test('a report of an older member has no written optime', () => {
    const bytes = encodeDocument({
      replSetUpdatePosition: 1,
      optimes: [
        {
          durableOpTime: bsonOpTime(1, 1),
          durableWallTime: new Date(1),
          appliedOpTime: bsonOpTime(2, 1),
          appliedWallTime: new Date(2),
          memberId: 1,
          cfgver: Long.fromNumber(1),
        },
      ],
    });
    const [position] = decodeUpdatePosition(bytes).positions;
    expect(position?.progress.written).toEqual(position?.progress.applied);
  });

  test.each([
    [{ replSetUpdatePosition: 1 }, 'Missing expected field "optimes"'],
    [{ replSetUpdatePosition: 1, optimes: 1 }, 'Expected field "optimes" to have type array'],
    [{ replSetUpdatePosition: 1, optimes: [{}] }, 'Missing expected field "optimes.appliedOpTime"'],
    [
      { replSetUpdatePosition: 1, optimes: [{ appliedOpTime: 1 }] },
      'Expected field "optimes.appliedOpTime" to have type object',
    ],
  ])('refuses %j', (document, message) => {
    expect(() => decodeUpdatePosition(encodeDocument(document))).toThrow(message);
  });
});
