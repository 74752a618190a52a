import { CommandError } from '../../base/command_error.ts';
import { int64At } from '../../bson/bytes.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import { Arguments } from '../arguments.ts';
import type { Command } from '../context.ts';
import { missingField, wrongType } from '../fields.ts';
import { readNamespace } from '../namespace.ts';

export const killCursorsCommand: Command = {
  name: 'killCursors',
  secondary: 'always',
  isApiVersion1: true,
  help: 'closes cursors',
  run(request, context, reply) {
    const { data } = context;
    const ns = readNamespace(request, data);
    let ids: readonly bigint[] | undefined;
    const args = Arguments.ofCommand('killCursors', request.body);
    while (args.next()) {
      if (args.name === 'cursors') ids = parseIds(args);
      else args.refuseUnknown();
    }
    if (ids === undefined) throw missingField('killCursors.cursors');
    const killed: bigint[] = [];
    const notFound: bigint[] = [];
    for (const id of ids) {
      const isThere = data.cursors.find(id)?.options.ns === ns;
      if (isThere && data.cursors.kill(id, new CommandError('CursorKilled', 'cursor was killed'))) killed.push(id);
      else notFound.push(id);
    }
    writeIds(reply, 'cursorsKilled', killed);
    writeIds(reply, 'cursorsNotFound', notFound);
    writeIds(reply, 'cursorsAlive', []);
    writeIds(reply, 'cursorsUnknown', []);
  },
};

function parseIds(args: Arguments): bigint[] {
  if (args.value.type !== BSON_TYPE.array) {
    throw new CommandError(10_065, 'invalid parameter: expected an object (cursors)');
  }
  const ids: bigint[] = [];
  const items = new ElementReader(args.value.bytes, args.value.start);
  for (let i = 0; items.next(); i++) {
    if (items.type !== BSON_TYPE.int64) throw wrongType(`killCursors.cursors.${i}`, items, 'long');
    ids.push(int64At(items.bytes, items.start));
  }
  return ids;
}

function writeIds(reply: BsonWriter, name: string, ids: readonly bigint[]): void {
  reply.startArray(name);
  for (const [i, id] of ids.entries()) reply.int64(i, id);
  reply.end();
}
