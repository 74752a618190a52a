import { ElementReader } from '../../bson/elements.ts';
import { isTruthy } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { compileFilter } from '../../query/matcher.ts';
import type { Command, CommandRequest } from '../context.ts';
import { isGenericArgument } from '../request.ts';
import { currentOperations } from '../query/system_documents.ts';

/** `$currentOp` as a command: what is no option is a condition on the operations. */
export const currentOpCommand: Command = {
  name: 'currentOp',
  adminOnly: true,
  secondary: 'always',
  maintenanceOk: true,
  help: 'the operations under way',
  run: (request, context, reply) => {
    const { showsIdle, filter } = parseCurrentOp(request);
    const { matcher } = compileFilter(filter);
    const wanted = { kind: 'currentOp', idleConnections: showsIdle, idleCursors: false } as const;
    reply.startArray('inprog');
    let shown = 0;
    for (const operation of currentOperations(wanted, context)) {
      if (matcher.matches(operation, 0)) reply.document(shown++, operation);
    }
    reply.end();
  },
};

/** Without users `$ownOps` leaves nothing out. */
const OPTIONS = new Set(['$all', '$ownOps', '$truncateOps']);

function parseCurrentOp({ body }: CommandRequest): { readonly showsIdle: boolean; readonly filter: Uint8Array } {
  let showsIdle = false;
  const writer = new BsonWriter().startDocument();
  const reader = new ElementReader(body);
  reader.next();
  while (reader.next()) {
    const name = reader.name();
    if (name === '$all') showsIdle = isTruthy(reader);
    if (OPTIONS.has(name) || isGenericArgument(reader)) continue;
    writer.element(body, reader.elementStart, reader.end);
  }
  return { showsIdle, filter: writer.endDocument().finish() };
}
