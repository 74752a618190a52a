/**
 * `$clusterTime`: how members and clients pass the cluster's clock on. Without authentication its signature is a dummy
 * of zeros, which is what this member sends and accepts. Source: the manual, "Cluster Time".
 */
import { CommandError } from '../../base/command_error.ts';
import { incrementOf, secondsOf, type Timestamp } from '../../base/optime.ts';
import type { UnixMs } from '../../base/units.ts';
import { fieldName, writeInt32 } from '../../bson/bytes.ts';
import { findField } from '../../bson/elements.ts';
import { timestampFromRaw } from '../../bson/optime.ts';
import { BSON_TYPE, type ValueSpan } from '../../bson/types.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { hadWrongType } from '../fields.ts';

const CLUSTER_TIME = fieldName('clusterTime');
const SIGNATURE = fieldName('signature');

/** How far a cluster time may be ahead of the wall clock. Source: maxAcceptableLogicalClockDriftSecs. */
const DRIFT_SECS_MAX = 31_536_000;

/** Reads the argument. Throws CommandError 4 or 14. */
export function clusterTimeOf(value: ValueSpan): Timestamp {
  if (value.type !== BSON_TYPE.object) throw hadWrongType('$clusterTime', value, 'object');
  const time = findField(value.bytes, CLUSTER_TIME, value.start);
  if (time === undefined) throw new CommandError('NoSuchKey', 'Missing expected field "clusterTime"');
  if (time.type !== BSON_TYPE.timestamp) throw hadWrongType('clusterTime', time, 'timestamp');
  const signature = findField(value.bytes, SIGNATURE, value.start);
  if (signature !== undefined && signature.type !== BSON_TYPE.object) {
    throw hadWrongType('signature', signature, 'object');
  }
  return timestampFromRaw(time);
}

/** Throws CommandError 205 for a time so late that taking it over would spoil the clock of the whole set. */
export function checkDrift(time: Timestamp, wall: UnixMs): void {
  if (secondsOf(time) - wall / 1000 <= DRIFT_SECS_MAX) return;
  throw new CommandError(
    'ClusterTimeFailsRateLimiter',
    `New cluster time, ${secondsOf(time)}, is too far from this node's wall clock time, ${Math.floor(wall / 1000)}.`,
  );
}

/** The ends of replies, built once: only the timestamps in them change. */
export class ReplyTimes {
  readonly #elements: Uint8Array;
  readonly #end: number;
  readonly #clusterTimeAt: number;
  readonly #operationTimeAt: number;

  constructor() {
    const document = new BsonWriter()
      .startDocument()
      .startSubdocument('$clusterTime')
      .timestamp(CLUSTER_TIME, 0 as Timestamp)
      .startSubdocument(SIGNATURE)
      .binData('hash', 0, new Uint8Array(20))
      .int64('keyId', 0)
      .end()
      .end()
      .timestamp('operationTime', 0 as Timestamp)
      .endDocument()
      .finish();
    this.#elements = document;
    this.#end = document.length - 1;
    this.#operationTimeAt = this.#end - 8;
    const clusterTime = findField(document, CLUSTER_TIME, 4 + 1 + '$clusterTime'.length + 1);
    this.#clusterTimeAt = clusterTime?.start ?? 0;
  }

  /** Appends `$clusterTime` and `operationTime` to the document that is open. */
  append(reply: BsonWriter, clusterTime: Timestamp, operationTime: Timestamp): void {
    patch(this.#elements, this.#clusterTimeAt, clusterTime);
    patch(this.#elements, this.#operationTimeAt, operationTime);
    reply.element(this.#elements, 4, this.#end);
  }
}

function patch(bytes: Uint8Array, at: number, time: Timestamp): void {
  writeInt32(bytes, at, incrementOf(time));
  writeInt32(bytes, at + 4, secondsOf(time));
}
