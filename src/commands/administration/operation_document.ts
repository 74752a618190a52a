/** One operation under way, as `currentOp` and `$currentOp` show it. */
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { maybeStringOf } from '../../bson/value.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import type { ClientState, CommandRequest, RunningOperation } from '../context.ts';

/** When and where operations are looked at. */
export interface OperationsSeen {
  readonly host: string;
  /** Of the monotonic clock, and of the other one. */
  readonly now: number;
  readonly wall: number;
}

/** What MongoDB calls the operation of a command that is counted as such. */
const OPERATIONS = {
  insert: 'insert',
  query: 'query',
  update: 'update',
  delete: 'remove',
  getmore: 'getmore',
} as const;

/** The fields of one operation, into the document that is open. */
export function writeOperation(
  reply: BsonWriter,
  operation: RunningOperation,
  { host, now, wall }: OperationsSeen,
): void {
  const { connection, request, id, command } = operation;
  reply.string('type', 'op').string('host', host);
  const micros = Math.max(0, Math.round((now - operation.startedAt) * 1000));
  reply.string('desc', `conn${connection.id}`).int32('connectionId', connection.id);
  reply.string('client', connection.remoteAddress);
  writeClient(reply, connection);
  reply.bool('active', true).string('currentOpTime', new Date(wall - micros / 1000).toISOString());
  reply.bool('threaded', true).int32('opid', id);
  if (request.lsid !== undefined) reply.value('lsid', request.lsid);
  reply.int64('secs_running', Math.floor(micros / 1_000_000)).int64('microsecs_running', micros);
  reply.string('op', command.opcounter === undefined ? 'command' : OPERATIONS[command.opcounter]);
  reply.string('ns', request.ns ?? namespaceOf(request)).bool('redacted', false);
  reply.document('command', request.body).int32('numYields', 0).bool('killPending', operation.isInterrupted);
  writeProgress(reply, operation);
  reply.startSubdocument('locks').end().bool('waitingForLock', false).startSubdocument('lockStats').end();
}

const APPLICATION = fieldName('application');
const NAME = fieldName('name');

function writeClient(reply: BsonWriter, { metadata }: ClientState): void {
  if (metadata === undefined) return;
  const application = findField(metadata, APPLICATION);
  const name = application?.type === BSON_TYPE.object ? findField(metadata, NAME, application.start) : undefined;
  const text = name === undefined ? undefined : maybeStringOf(name);
  if (text !== undefined) reply.string('appName', text);
  reply.document('clientMetadata', metadata);
}

function writeProgress(reply: BsonWriter, { progress }: RunningOperation): void {
  if (progress === undefined) return;
  const { message, done, total } = progress;
  const percent = total === 0 ? 100 : Math.floor((done / total) * 100);
  reply.string('msg', `${message} ${message}: ${done}/${total} ${percent}%`);
  reply.startSubdocument('progress').int64('done', done).int64('total', total).end();
}

/** The collection that the first argument names; else the database. */
function namespaceOf({ db, body }: CommandRequest): string {
  const first = new ElementReader(body);
  if (!first.next()) return `${db}.$cmd`;
  const name = maybeStringOf(first);
  if (name !== undefined) return `${db}.${name}`;
  return first.name() === 'aggregate' ? `${db}.$cmd.aggregate` : `${db}.$cmd`;
}
