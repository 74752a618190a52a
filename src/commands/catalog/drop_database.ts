import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { isNumericType } from '../../bson/types.ts';
import { numberOf } from '../../bson/value.ts';
import { dropCollection, logDropDatabase } from '../../database/write/write_catalog.ts';
import { Arguments } from '../arguments.ts';
import type { Command, CommandRequest } from '../context.ts';
import { wrongType } from '../fields.ts';

export const dropDatabaseCommand: Command = {
  name: 'dropDatabase',
  secondary: 'never',
  isWrite: true,
  isApiVersion1: true,
  help: 'removes a database with all its collections',
  run(request, context, reply) {
    const { data } = context;
    const { db } = request;
    checkNumber(request);
    const args = Arguments.ofCommand('dropDatabase', request.body);
    while (args.next()) args.refuseUnknown();
    if (db === 'local') {
      throw new CommandError('IllegalOperation', "Cannot drop 'local' database while replication is active");
    }
    if (db === 'admin' || db === 'config') {
      throw new CommandError('IllegalOperation', `Dropping the '${db}' database is prohibited.`);
    }
    const collections = data.catalog.collectionsOf(db);
    if (collections.length === 0) {
      reply.string('info', 'database does not exist');
      return;
    }
    for (const collection of collections) {
      dropCollection(data, collection);
      context.server.usage.forget(collection.ns);
    }
    logDropDatabase(data, db);
    context.lastWrite = data.oplog.lastWritten;
    reply.string('dropped', db);
  },
};

/** The command's own value must be the number 1. */
function checkNumber(request: CommandRequest): void {
  const first = new ElementReader(request.body);
  first.next();
  if (!isNumericType(first.type)) {
    throw wrongType('dropDatabase.dropDatabase', first, 'long', 'int', 'decimal', 'double');
  }
  if (numberOf(first) !== 1) throw new CommandError(5_255_100, "Have to pass 1 as 'drop' parameter");
}
