import { fieldName } from '../../bson/bytes.ts';
import { findField } from '../../bson/elements.ts';
import type { Command } from '../context.ts';
import { strictBool } from '../fields.ts';
import { storedDefaults, writeDefaults } from './rw_concern_defaults.ts';

const IN_MEMORY = fieldName('inMemory');

export const getDefaultRwConcernCommand: Command = {
  name: 'getDefaultRWConcern',
  adminOnly: true,
  secondary: 'always',
  maintenanceOk: true,
  help: 'shows the read and write concern of requests that bring none',
  run: (request, { data, replication, server }, reply) => {
    const inMemory = findField(request.body, IN_MEMORY);
    const isInMemory = inMemory !== undefined && strictBool('getDefaultRWConcern.inMemory', inMemory);
    writeDefaults(reply, storedDefaults(data), replication.defaultWriteConcern, server.startedWall);
    if (isInMemory) reply.bool('inMemory', true);
  },
};
