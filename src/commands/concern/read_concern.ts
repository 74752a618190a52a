/** A request's read concern. Source: the manual, "Read Concern"; error texts are MongoDB's. */
import { CommandError } from '../../base/command_error.ts';
import { TIMESTAMP_NULL, type OpTime, type Timestamp } from '../../base/optime.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader } from '../../bson/elements.ts';
import { readOpTime, timestampFromRaw } from '../../bson/optime.ts';
import { BSON_TYPE, type ValueSpan } from '../../bson/types.ts';
import { stringOf } from '../../bson/value.ts';
import { hadWrongType } from '../fields.ts';

export type ReadConcernLevel = 'local' | 'available' | 'majority' | 'linearizable' | 'snapshot';

export interface ReadConcern {
  readonly level: ReadConcernLevel;
  /** Whether the client sent one (even an empty one). */
  readonly isGiven: boolean;
  readonly afterClusterTime: Timestamp | undefined;
  readonly atClusterTime: Timestamp | undefined;
  /** Members only. */
  readonly afterOpTime: OpTime | undefined;
}

/** What a request without read concern gets. */
export const READ_CONCERN_LOCAL: ReadConcern = {
  level: 'local',
  isGiven: false,
  afterClusterTime: undefined,
  atClusterTime: undefined,
  afterOpTime: undefined,
};

const LEVELS = new Map<string, ReadConcernLevel>(
  (['local', 'available', 'majority', 'linearizable', 'snapshot'] as const).map((level) => [level, level]),
);

const PROVENANCES = new Set([
  'clientSupplied',
  'implicitDefault',
  'customDefault',
  'getLastErrorDefaults',
  'internalWriteDefault',
]);

const LEVEL = fieldName('level');
const AFTER_CLUSTER_TIME = fieldName('afterClusterTime');
const AT_CLUSTER_TIME = fieldName('atClusterTime');
const AFTER_OP_TIME = fieldName('afterOpTime');
const PROVENANCE = fieldName('provenance');

type Draft = { -readonly [Key in keyof ReadConcern]: ReadConcern[Key] };

/** Parses the `readConcern` of a command. Throws CommandError 9, 14 or 72. */
export function parseReadConcern(value: ValueSpan): ReadConcern {
  if (value.type !== BSON_TYPE.object) throw new CommandError('FailedToParse', 'readConcern field should be an object');
  const draft: Draft = { ...READ_CONCERN_LOCAL, isGiven: true };
  const reader = new ElementReader(value.bytes, value.start);
  while (reader.next()) readField(reader, draft);
  checkTogether(draft);
  return draft;
}

function readField(reader: ElementReader, draft: Draft): void {
  if (reader.nameEquals(LEVEL)) draft.level = levelOf(reader);
  else if (reader.nameEquals(AFTER_CLUSTER_TIME)) draft.afterClusterTime = timestampOf(reader, 'afterClusterTime');
  else if (reader.nameEquals(AT_CLUSTER_TIME)) draft.atClusterTime = timestampOf(reader, 'atClusterTime');
  else if (reader.nameEquals(AFTER_OP_TIME)) draft.afterOpTime = optimeOf(reader);
  else if (reader.nameEquals(PROVENANCE)) checkProvenance('ReadConcernArgs::parse.provenance', reader);
  else throw new CommandError('InvalidOptions', `Unrecognized option in readConcern: ${reader.name()}`);
}

function levelOf(value: ValueSpan): ReadConcernLevel {
  if (value.type !== BSON_TYPE.string) throw hadWrongType('level', value, 'string');
  const level = LEVELS.get(stringOf(value));
  if (level !== undefined) return level;
  throw new CommandError(
    'FailedToParse',
    "readConcern.level must be either 'local', 'majority', 'linearizable', 'available', or 'snapshot'",
  );
}

function timestampOf(value: ValueSpan, name: string): Timestamp {
  if (value.type !== BSON_TYPE.timestamp) throw hadWrongType(name, value, 'timestamp');
  return timestampFromRaw(value);
}

function optimeOf(value: ValueSpan): OpTime {
  if (value.type !== BSON_TYPE.object) throw hadWrongType('afterOpTime', value, 'object');
  const optime = readOpTime(value);
  if (optime === undefined) throw new CommandError('NoSuchKey', 'Missing expected field "ts"');
  return optime;
}

/** Clients may say where a concern came from; only the known words are accepted, and none of them changes anything. */
export function checkProvenance(path: string, value: ValueSpan): void {
  const text = value.type === BSON_TYPE.string ? stringOf(value) : '';
  if (PROVENANCES.has(text)) return;
  throw new CommandError('BadValue', `Enumeration value '${text}' for field '${path}' is not a valid value.`);
}

function checkTogether({ level, afterClusterTime, atClusterTime, afterOpTime }: ReadConcern): void {
  const refuse = (message: string): never => {
    throw new CommandError('InvalidOptions', message);
  };
  if (afterClusterTime !== undefined && afterOpTime !== undefined) {
    refuse('Can not specify both afterClusterTime and afterOpTime');
  }
  if (afterOpTime !== undefined && level === 'snapshot') {
    refuse('afterOpTime field cannot be set if level is equal to snapshot');
  }
  if (afterClusterTime !== undefined) {
    if (level === 'linearizable' || level === 'available') {
      refuse('afterClusterTime field can be set only if level is equal to majority, local, or snapshot');
    }
    if (afterClusterTime === TIMESTAMP_NULL) refuse('afterClusterTime cannot be a null timestamp');
  }
  if (atClusterTime === undefined) return;
  if (level !== 'snapshot') refuse('atClusterTime field can be set only if level is equal to snapshot');
  if (atClusterTime === TIMESTAMP_NULL) refuse('atClusterTime cannot be a null timestamp');
  if (afterClusterTime !== undefined) {
    refuse(
      'Specifying a timestamp for readConcern snapshot in a causally consistent session is not allowed. ' +
        'See https://docs.mongodb.com/manual/core/read-isolation-consistency-recency/#causal-consistency',
    );
  }
}

/** As error messages show it: { level: "majority", provenance: "clientSupplied" }. */
export function describeReadConcern(readConcern: ReadConcern): string {
  return `{ readConcern: { level: "${readConcern.level}", provenance: "clientSupplied" } }`;
}
