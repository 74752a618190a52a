import { describe, expect, test } from 'vitest';
import { termOf, timestampOf } from '../base/optime.ts';
import { unixMs } from '../base/units.ts';
import { decodeDocument } from '../bson/codec.ts';
import { findField } from '../bson/elements.ts';
import { BSON_TYPE } from '../bson/types.ts';
import { fieldName } from '../bson/bytes.ts';
import { at, configOf, optime, progressAt, replyOf } from '../../tests/support/replication.ts';
import { decodeHeartbeatReply, decodeHeartbeatRequest, encodeHeartbeatRequest } from './heartbeat_documents.ts';
import { decodeVoteReply, decodeVoteRequest, encodeReply, encodeVoteRequest } from './message_documents.ts';
import type { ReplData } from './messages.ts';

const REPL_DATA: ReplData = {
  term: termOf(4),
  commitPoint: { optime: optime(4, 9), wall: unixMs(9000) },
  lastVisible: optime(4, 11),
  configVersion: 2,
  configTerm: termOf(4),
  replicaSetId: '5f'.repeat(12),
  syncSourceIndex: -1,
  isPrimary: true,
};

describe('messages survive their documents', () => {
  test('a heartbeat request', () => {
    const request = {
      setName: 'rs0',
      checkEmpty: true,
      configVersion: -2,
      configTerm: termOf(-1),
      from: 'a:1',
      fromId: 3,
      term: termOf(7),
      primaryId: -1,
    };
    expect(decodeHeartbeatRequest(encodeHeartbeatRequest(request))).toEqual(request);
  });

  test('a heartbeat reply with everything in it', () => {
    const reply = replyOf({
      config: configOf([{}, { tags: { a: 'b' } }]),
      electionTime: timestampOf(1_795_230_804, 3),
      syncingTo: 'b:2',
      progress: progressAt(at(4, 11), at(4, 10)),
      replData: REPL_DATA,
    });
    expect(decodeHeartbeatReply(encodeReply({ kind: 'heartbeat', reply }))).toEqual(reply);
  });

  test('a vote request and its reply', () => {
    const request = {
      setName: 'rs0',
      dryRun: true,
      term: termOf(5),
      candidateIndex: 2,
      configVersion: 3,
      configTerm: termOf(4),
      lastApplied: optime(4, 10),
      lastWritten: optime(4, 11),
    };
    const reply = { term: termOf(5), voteGranted: false, reason: 'no' };
    expect(decodeVoteRequest(encodeVoteRequest(request))).toEqual(request);
    expect(decodeVoteReply(encodeReply({ kind: 'vote', reply }))).toEqual(reply);
  });
});

describe("MongoDB's shapes", () => {
  test('electionTime is a date that holds the bits of a timestamp', () => {
    const bytes = encodeReply({ kind: 'heartbeat', reply: replyOf({ electionTime: timestampOf(1_795_230_804, 5) }) });
    const field = findField(bytes, fieldName('electionTime'));
    expect(field?.type).toBe(BSON_TYPE.date);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    expect(field !== undefined && view.getBigInt64(field.start, true)).toBe((1_795_230_804n << 32n) | 5n);
  });

  test('a heartbeat request has the fields of replSetHeartbeat in order', () => {
    const request = decodeDocument(
      encodeHeartbeatRequest({
        setName: 'rs0',
        checkEmpty: false,
        configVersion: 1,
        configTerm: termOf(1),
        from: 'a:1',
        fromId: 1,
        term: termOf(1),
        primaryId: 0,
      }),
    );
    const names = [
      'replSetHeartbeat',
      'configVersion',
      'configTerm',
      'hbv',
      'from',
      'fromId',
      'term',
      'primaryId',
      '$db',
    ];
    expect(Object.keys(request)).toEqual(names);
    expect([request['configVersion'], request['fromId'], request['term']]).toEqual([1n, 1, 1n]);
  });

  test('a request without a needed field is refused', () => {
    expect(() =>
      decodeHeartbeatRequest(encodeReply({ kind: 'document', document: { replSetHeartbeat: 'rs0' } })),
    ).toThrow(expect.objectContaining({ code: 4, message: 'Missing expected field "configVersion"' }));
  });
});
