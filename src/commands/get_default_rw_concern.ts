import { fieldName } from '../bson/bytes.ts';
import { findField } from '../bson/elements.ts';
import type { BsonWriter } from '../bson/writer.ts';
import type { Command, CommandContext } from './context.ts';
import { strictBool } from './fields.ts';

const IN_MEMORY = fieldName('inMemory');

/** Shows the read and write concern of requests that bring none. Only the implicit ones exist. */
export const getDefaultRwConcernCommand: Command = {
  name: 'getDefaultRWConcern',
  adminOnly: true,
  secondary: 'always',
  maintenanceOk: true,
  help: 'shows the default read and write concern',
  run: (request, context, reply) => {
    const inMemory = findField(request.body, IN_MEMORY);
    const isInMemory = inMemory !== undefined && strictBool('getDefaultRWConcern.inMemory', inMemory);
    reply.startSubdocument('defaultReadConcern').string('level', 'local').end();
    writeWriteConcern(context, reply);
    reply.string('defaultWriteConcernSource', 'implicit').string('defaultReadConcernSource', 'implicit');
    reply.date('localUpdateWallClockTime', context.server.startedWall);
    if (isInMemory) reply.bool('inMemory', true);
  },
};

function writeWriteConcern({ replication }: CommandContext, reply: BsonWriter): void {
  const { w } = replication.defaultWriteConcern;
  reply.startSubdocument('defaultWriteConcern');
  if (typeof w === 'number') reply.int32('w', w);
  else reply.string('w', w);
  reply.int32('wtimeout', 0).end();
}
