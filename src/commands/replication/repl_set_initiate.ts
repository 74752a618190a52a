import { decodeDocument } from '../../bson/codec.ts';
import { isEmptyDocument } from '../../bson/elements.ts';
import { newObjectId } from '../new_object_id.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { Command } from '../context.ts';
import { askCore, firstValue } from './replication_arguments.ts';

/** Makes a new set of the members a configuration names; without one, a set of this member alone. */
export const replSetInitiateCommand: Command = {
  name: 'replSetInitiate',
  adminOnly: true,
  secondary: 'always',
  maintenanceOk: true,
  help: 'makes a new replica set from a configuration',
  run: (request, context, reply) => {
    const value = firstValue(request);
    const isGiven = value.type === BSON_TYPE.object && !isEmptyDocument(value.bytes, value.start);
    return askCore(context, reply, (replyTo) => ({
      kind: 'initiate',
      config: isGiven ? decodeDocument(value.bytes, value.start) : undefined,
      self: context.connection.localAddress,
      newReplicaSetId: newObjectId(context.env),
      replyTo,
    }));
  },
};
