import { fieldName } from '../bson/bytes.ts';
import { ElementReader, findField } from '../bson/elements.ts';
import { maybeStringOf, numberOf } from '../bson/value.ts';
import type { BsonWriter } from '../bson/writer.ts';
import type { Command, CommandRequest, RunningOperation } from './context.ts';

const NS = fieldName('ns');
const OP_ID = fieldName('opid');

/** What is under way. Filters: `ns` and `opid`, by equality. */
export const currentOpCommand: Command = {
  name: 'currentOp',
  adminOnly: true,
  secondary: 'always',
  maintenanceOk: true,
  help: 'the operations under way',
  run: (request, { operations, env, server }, reply) => {
    const wantedNs = findField(request.body, NS);
    const wantedId = findField(request.body, OP_ID);
    const ns = wantedNs === undefined ? undefined : (maybeStringOf(wantedNs) ?? '');
    reply.startArray('inprog');
    let index = 0;
    for (const operation of operations.all()) {
      if (ns !== undefined && ns !== `${operation.request.db}.$cmd`) continue;
      if (wantedId !== undefined && operation.id !== numberOf(wantedId)) continue;
      reply.startSubdocument(index++);
      writeOperation(reply, operation, { host: server.machine.hostName, now: env.clock.monotonic() });
      reply.end();
    }
    reply.end();
  },
};

/** The fields of one operation, into the document that is open. */
export function writeOperation(
  reply: BsonWriter,
  operation: RunningOperation,
  { host, now }: { readonly host: string; readonly now: number },
): void {
  const { connection, request, id } = operation;
  reply.string('type', 'op').string('host', host);
  const micros = Math.max(0, Math.round((now - operation.startedAt) * 1000));
  reply.string('desc', `conn${connection.id}`).int32('connectionId', connection.id);
  reply.string('client', connection.remoteAddress).bool('active', true).int32('opid', id);
  reply.int64('secs_running', Math.floor(micros / 1_000_000)).int64('microsecs_running', micros);
  reply.string('op', operation.command.opcounter ?? 'command').string('ns', namespaceOf(request));
  reply.document('command', request.body).int32('numYields', 0).bool('killPending', operation.isInterrupted);
  const { progress } = operation;
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
