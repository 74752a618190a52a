/**
 * hello, and isMaster, its older name: what drivers learn of a member and of its set, and how they wait for changes.
 * Source: the Server Discovery and Monitoring and the Server Monitoring specifications.
 */
import { CommandError } from '../../base/command_error.ts';
import { BSON_OBJECT_SIZE_BYTES_MAX, MESSAGE_SIZE_BYTES_MAX, WRITE_BATCH_SIZE_MAX } from '../../base/limits.ts';
import { ms } from '../../base/units.ts';
import { encodeDocument } from '../../bson/codec.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import type { Command, CommandContext, CommandRequest } from '../context.ts';
import { checkClientMetadata } from '../server/client_metadata.ts';
import { writeTopologyVersion } from '../error_reply.ts';
import { parseHello, type HelloRequest } from './hello_request.ts';
import { MAX_WIRE_VERSION, MIN_WIRE_VERSION } from '../server/version.ts';

/** Under the newer name. */
export const helloCommand: Command = {
  name: 'hello',
  secondary: 'always',
  maintenanceOk: true,
  isApiVersion1: true,
  waitsByDesign: true,
  help: 'information about this member and the set it belongs to, and a way to wait until that changes',
  run: (request, context, reply) => run(request, context, reply, false),
};

/** Under the older name, which differs in the names of two fields. */
export const isMasterCommand: Command = {
  ...helloCommand,
  name: 'isMaster',
  aliases: ['ismaster'],
  isApiVersion1: false,
  help: 'hello under its older name',
  run: (request, context, reply) => run(request, context, reply, true),
};

function run(
  request: CommandRequest,
  context: CommandContext,
  reply: BsonWriter,
  isLegacyName: boolean,
): void | Promise<void> {
  const hello = parseHello(request.body);
  const isFirstReply = (context.stream?.replies ?? 0) === 0;
  if (isFirstReply) greet(hello, context, isLegacyName);
  const waitsFor = counterToWaitFor(hello, context);
  if (waitsFor === undefined) return writeReply(hello, context, reply, isLegacyName);
  return awaitChange(waitsFor, hello.maxAwaitTimeMs ?? 0, context).then(() =>
    writeReply(hello, context, reply, isLegacyName),
  );
}

/** What the connection remembers of its client. */
function greet(hello: HelloRequest, context: CommandContext, isLegacyName: boolean): void {
  const { connection, log } = context;
  if (hello.helloOk || !isLegacyName) connection.knowsHello = true;
  if (hello.client !== undefined) {
    if (connection.saidHello) {
      const message = 'The client metadata document may only be sent in the first hello';
      throw new CommandError('ClientMetadataCannotBeMutated', message);
    }
    const doc = checkClientMetadata(hello.client, hello.isInternal);
    connection.metadata = hello.client.bytes.slice(hello.client.start, hello.client.end);
    log.write({
      severity: 'I',
      component: 'NETWORK',
      id: 51_800,
      context: `conn${connection.id}`,
      message: 'client metadata',
      attributes: { remote: connection.remoteAddress, client: `conn${connection.id}`, doc },
    });
  }
  if (!connection.saidHello) {
    connection.isInternal = hello.isInternal;
    connection.compresses = hello.offersZlib;
  }
  connection.hangUpOnStepDown = hello.hangUpOnStepDown;
  connection.saidHello = true;
}

/** The counter whose change the client waits for; undefined when it is answered at once. Throws CommandError. */
function counterToWaitFor(hello: HelloRequest, { stream, server, replication }: CommandContext): number | undefined {
  const { topologyVersion, maxAwaitTimeMs } = hello;
  if (stream !== undefined && maxAwaitTimeMs === undefined) {
    throw new CommandError(51_756, "An isMaster or hello request with exhaust must specify 'maxAwaitTimeMS'");
  }
  if (topologyVersion === undefined || maxAwaitTimeMs === undefined || !replication.isReplicaSet) return undefined;
  const mine = replication.core.topologyCounter;
  // Further replies of a stream continue from the one before, whatever the request said.
  if (stream?.topologyCounter !== undefined) return stream.topologyCounter === mine ? mine : undefined;
  const isOfThisProcess = topologyVersion.processId.every((byte, index) => byte === server.processId[index]);
  if (!isOfThisProcess || topologyVersion.counter < mine) return undefined;
  if (topologyVersion.counter === mine) return mine;
  throw new CommandError(
    31_382,
    `Received a topology version with counter: ${topologyVersion.counter} which is greater than the server topology ` +
      `version counter: ${mine}`,
  );
}

async function awaitChange(counter: number, maxAwaitTimeMs: number, context: CommandContext): Promise<void> {
  const { env, replication, server } = context;
  const deadline = ms(env.clock.monotonic() + maxAwaitTimeMs);
  server.connections.awaitingTopologyChanges += 1;
  try {
    await context.orInterrupted(replication.awaitTopologyChange(counter, deadline));
  } finally {
    server.connections.awaitingTopologyChanges -= 1;
  }
}

function writeReply(hello: HelloRequest, context: CommandContext, reply: BsonWriter, isLegacyName: boolean): void {
  const { replication, connection, env, stream } = context;
  const { remainingQuiesceMs } = replication;
  if (remainingQuiesceMs !== undefined) {
    throw new CommandError('ShutdownInProgress', 'Replication is being shut down', {
      remainingQuiesceTimeMillis: BigInt(Math.round(remainingQuiesceMs)),
    });
  }
  if (hello.helloOk) reply.bool('helloOk', true);
  writeSet(context, reply, isLegacyName);
  reply
    .int32('maxBsonObjectSize', BSON_OBJECT_SIZE_BYTES_MAX)
    .int32('maxMessageSizeBytes', MESSAGE_SIZE_BYTES_MAX)
    .int32('maxWriteBatchSize', WRITE_BATCH_SIZE_MAX)
    .date('localTime', env.clock.wall())
    .int32('logicalSessionTimeoutMinutes', context.server.parameters.get('localLogicalSessionTimeoutMinutes'))
    .int32('connectionId', connection.id)
    .int32('minWireVersion', MIN_WIRE_VERSION)
    .int32('maxWireVersion', MAX_WIRE_VERSION)
    .bool('readOnly', false);
  if (hello.offersZlib) reply.startArray('compression').string(0, 'zlib').end();
  if (stream !== undefined) {
    if (stream.replies === 0) countStream(context);
    stream.topologyCounter = replication.core.topologyCounter;
    stream.continues = true;
  }
}

/** Streams of hello end with their connection. */
function countStream({ server, connection }: CommandContext): void {
  server.connections.exhaustHello += 1;
  connection.onClosed(() => {
    server.connections.exhaustHello -= 1;
  });
}

/** The part that replication knows; a member without a set is its own primary. */
function writeSet({ replication, server }: CommandContext, reply: BsonWriter, isLegacyName: boolean): void {
  if (replication.isReplicaSet) {
    reply.fieldsOf(encodeDocument(replication.core.hello({ isLegacyName })));
    return;
  }
  writeTopologyVersion(reply, server.processId, 0);
  reply.bool(isLegacyName ? 'ismaster' : 'isWritablePrimary', true);
}
