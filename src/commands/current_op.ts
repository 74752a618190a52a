import { fieldName } from '../bson/bytes.ts';
import { findField } from '../bson/elements.ts';
import { maybeStringOf, numberOf } from '../bson/value.ts';
import type { BsonWriter } from '../bson/writer.ts';
import type { Command, RunningOperation } from './context.ts';

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
    const now = env.clock.monotonic();
    const wantedNs = findField(request.body, NS);
    const wantedId = findField(request.body, OP_ID);
    const ns = wantedNs === undefined ? undefined : (maybeStringOf(wantedNs) ?? '');
    reply.startArray('inprog');
    let index = 0;
    for (const operation of operations.all()) {
      if (ns !== undefined && ns !== `${operation.request.db}.$cmd`) continue;
      if (wantedId !== undefined && operation.id !== numberOf(wantedId)) continue;
      reply.startSubdocument(index++).string('type', 'op').string('host', server.machine.hostName);
      writeOperation(reply, operation, now);
      reply.end();
    }
    reply.end();
  },
};

function writeOperation(reply: BsonWriter, operation: RunningOperation, now: number): void {
  const { connection, request, id } = operation;
  const micros = Math.max(0, Math.round((now - operation.startedAt) * 1000));
  reply.string('desc', `conn${connection.id}`).int32('connectionId', connection.id);
  reply.string('client', connection.remoteAddress).bool('active', true).int32('opid', id);
  reply.int64('secs_running', Math.floor(micros / 1_000_000)).int64('microsecs_running', micros);
  reply.string('op', operation.command.opcounter ?? 'command').string('ns', `${request.db}.$cmd`);
  reply.document('command', request.body).int32('numYields', 0).bool('killPending', operation.isInterrupted);
}
