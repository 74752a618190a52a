import { encodeDocument } from '../../bson/codec.ts';
import type { Command } from '../context.ts';

/** Shows the members of the set as this one sees them. */
export const replSetGetStatusCommand: Command = {
  name: 'replSetGetStatus',
  adminOnly: true,
  secondary: 'always',
  maintenanceOk: true,
  help: 'shows the state of every member of the set as seen from this one',
  run: (_request, { env, data, replication }, reply) => {
    const status = replication.core.status(env.clock.monotonic(), env.clock.wall(), {
      lastStableRecoveryTimestamp: data.store.checkpointed.ts,
    });
    reply.fieldsOf(encodeDocument(status));
  },
};
