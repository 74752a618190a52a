/**
 * From a message to a {@link CommandRequest}: one walk over the top level of the body, in which names are compared as
 * bytes and only what a command may need is decoded.
 */
import { CommandError } from '../base/command_error.ts';
import type { Timestamp } from '../base/optime.ts';
import { ms, type Ms } from '../base/units.ts';
import { fieldName, int64At } from '../bson/bytes.ts';
import { ElementReader } from '../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../bson/types.ts';
import { isTruthy, stringOf, type RawValue } from '../bson/value.ts';
import { NO_SEQUENCES, OP_CODE, type Message } from '../wire/message.ts';
import { clusterTimeOf } from './concern/cluster_time.ts';
import type { CommandRequest, DocumentSequence, ReadPreferenceMode } from './context.ts';
import { strictBool, strictString, wholeMilliseconds, wrongType } from './fields.ts';
import { checkLsid } from './session/lsid.ts';
import { parseReadConcern, READ_CONCERN_LOCAL, type ReadConcern } from './concern/read_concern.ts';
import { parseReadPreference } from './concern/read_preference.ts';

const NO_BODY = new Uint8Array(0);
const SECONDARY_OK_FLAG = 4;
const CMD_SUFFIX = '.$cmd';

/** A request as dispatch fills it in; everybody else sees a CommandRequest. */
export class ParsedRequest implements CommandRequest {
  name = '';
  db = '';
  body: Uint8Array = NO_BODY;
  sequences: readonly DocumentSequence[] = NO_SEQUENCES;
  readPreference: ReadPreferenceMode | undefined = undefined;
  readConcern: ReadConcern = READ_CONCERN_LOCAL;
  writeConcern: RawValue | undefined = undefined;
  lsid: RawValue | undefined = undefined;
  txnNumber: bigint | undefined = undefined;
  autocommit: boolean | undefined = undefined;
  startTransaction: boolean | undefined = undefined;
  maxTimeMS: Ms = ms(0);
  comment: RawValue | undefined = undefined;
  clusterTime: Timestamp | undefined = undefined;
  ns: string | undefined = undefined;
  wantsReplData = false;
  wantsOplogQueryData = false;
  exhaustAllowed = false;
  apiVersion: string | undefined = undefined;
  apiStrict: boolean | undefined = undefined;
  apiDeprecationErrors: boolean | undefined = undefined;
}

/** Finds the command's name. Returns a reader that stands on that first element. Throws CommandError. */
export function parseName(message: Message, request: ParsedRequest): ElementReader {
  const { bytes, bodyStart } = message;
  request.body = bytes.subarray(bodyStart, bodyStart + sizeAt(bytes, bodyStart));
  request.sequences = message.sequences;
  request.exhaustAllowed = message.exhaustAllowed;
  const reader = new ElementReader(request.body);
  request.name = reader.next() ? reader.name() : '';
  if (message.opCode === OP_CODE.query) unwrapQuery(message, request, reader);
  return reader;
}

/** Parses what every command takes. Throws CommandError; `request` then holds what came before the fault. */
export function parseArguments(message: Message, request: ParsedRequest, reader: ElementReader): void {
  let hasDb = message.opCode === OP_CODE.query;
  while (reader.next()) {
    if (reader.nameEnd - reader.nameStart === 3 && reader.nameEquals(DB)) {
      hasDb = true;
      if (reader.type !== BSON_TYPE.string) {
        throw new CommandError(13_111, `wrong type for field ($db) ${typeAlias(reader.type)} != string`);
      }
      request.db = stringOf(reader);
    } else {
      readGeneric(reader, request);
    }
  }
  if (!hasDb) throw new CommandError(40_571, 'OP_MSG requests require a $db argument');
}

/** OP_QUERY names the database in its namespace and may wrap the command in `$query`. */
function unwrapQuery(message: Message, request: ParsedRequest, reader: ElementReader): void {
  const { queryNamespace } = message;
  if (!queryNamespace.endsWith(CMD_SUFFIX)) {
    throw new CommandError(5_739_101, 'OP_QUERY is no longer supported. The client driver may require an upgrade.');
  }
  request.db = queryNamespace.slice(0, -CMD_SUFFIX.length);
  if ((message.flags & SECONDARY_OK_FLAG) !== 0) request.readPreference = 'secondaryPreferred';
  const isWrapped = request.name === '$query' || request.name === 'query';
  if (!isWrapped || reader.type !== BSON_TYPE.object) return;
  request.body = request.body.subarray(reader.start, reader.end);
  reader.reset(request.body, 0);
  request.name = reader.next() ? reader.name() : '';
}

function sizeAt(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

interface GenericArgument {
  readonly name: Uint8Array;
  /** One of its own. */
  readonly bit: number;
  /** Undefined: accepted and not used. */
  readonly read: ((reader: ElementReader, request: ParsedRequest) => void) | undefined;
}

const DB = fieldName('$db');

/** Arguments that every command takes, by the length of their names. */
const GENERIC: GenericArgument[][] = [];
let genericCount = 0;

function generic(name: string, read?: GenericArgument['read']): void {
  const bytes = fieldName(name);
  (GENERIC[bytes.length] ??= []).push({ name: bytes, bit: 2 ** genericCount++, read });
}

generic('$db');
generic('lsid', (reader, request) => {
  checkLsid(reader);
  request.lsid = reader.value();
});
generic('txnNumber', (reader, request) => {
  if (reader.type !== BSON_TYPE.int64) throw wrongType('OperationSessionInfo.txnNumber', reader, 'long');
  request.txnNumber = int64At(reader.bytes, reader.start);
});
generic('autocommit', (reader, request) => {
  request.autocommit = strictBool('OperationSessionInfo.autocommit', reader);
});
generic('startTransaction', (reader, request) => {
  request.startTransaction = strictBool('OperationSessionInfo.startTransaction', reader);
});
generic('$clusterTime', (reader, request) => {
  request.clusterTime = clusterTimeOf(reader);
});
generic('$readPreference', (reader, request) => {
  request.readPreference = parseReadPreference(reader);
});
generic('readConcern', (reader, request) => {
  request.readConcern = parseReadConcern(reader);
});
generic('writeConcern', (reader, request) => {
  request.writeConcern = reader.value();
});
generic('maxTimeMS', (reader, request) => {
  request.maxTimeMS = ms(wholeMilliseconds('maxTimeMS', reader));
});
generic('maxTimeMSOpOnly', (reader, request) => {
  request.maxTimeMS = ms(wholeMilliseconds('maxTimeMSOpOnly', reader));
});
generic('comment', (reader, request) => {
  request.comment = reader.value();
});
generic('$replData', (reader, request) => {
  request.wantsReplData = reader.type !== BSON_TYPE.object && isTruthy(reader);
});
generic('$oplogQueryData', (reader, request) => {
  request.wantsOplogQueryData = reader.type !== BSON_TYPE.object && isTruthy(reader);
});
generic('apiVersion', (reader, request) => {
  request.apiVersion = strictString('APIParametersFromClient.apiVersion', reader);
});
generic('apiStrict', (reader, request) => {
  request.apiStrict = strictBool('APIParametersFromClient.apiStrict', reader);
});
generic('apiDeprecationErrors', (reader, request) => {
  request.apiDeprecationErrors = strictBool('APIParametersFromClient.apiDeprecationErrors', reader);
});
generic('$queryOptions', (reader, request) => {
  const inner = new ElementReader(reader.bytes, reader.start);
  while (reader.type === BSON_TYPE.object && inner.next()) {
    if (inner.nameEquals(READ_PREFERENCE)) request.readPreference = parseReadPreference(inner);
  }
});
for (const name of ['$audit', '$client', '$configServerState', '$topologyTime', '$configTime', 'databaseVersion']) {
  generic(name);
}
for (const name of ['shardVersion', 'allowImplicitCollectionCreation', 'tracking_info', 'coordinator', '$tenant']) {
  generic(name);
}

const READ_PREFERENCE = fieldName('$readPreference');

function readGeneric(reader: ElementReader, request: ParsedRequest): void {
  const found = genericOf(reader);
  if (found?.read !== undefined) found.read(reader, request);
}

function genericOf(reader: ElementReader): GenericArgument | undefined {
  const candidates = GENERIC[reader.nameEnd - reader.nameStart];
  if (candidates === undefined) return undefined;
  for (const candidate of candidates) {
    if (reader.nameEquals(candidate.name)) return candidate;
  }
  return undefined;
}

/** The bit of the generic argument that the reader stopped at: below 2^31, different for each; 0 for anything else. */
export function genericBit(reader: ElementReader): number {
  return genericOf(reader)?.bit ?? 0;
}

/** Whether the element the reader stopped at is one of the arguments every command takes. */
export function isGenericArgument(reader: ElementReader): boolean {
  return genericOf(reader) !== undefined;
}
