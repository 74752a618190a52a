import { CommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import { findField } from '../../bson/elements.ts';
import { isNumericType, typeAlias } from '../../bson/types.ts';
import { numberOf } from '../../bson/value.ts';
import type { Command } from '../context.ts';

const OP = fieldName('op');

/** Interrupts an operation under way; says so even when there is none of that id. */
export const killOpCommand: Command = {
  name: 'killOp',
  adminOnly: true,
  secondary: 'always',
  maintenanceOk: true,
  help: 'interrupts the operation with the given opid, as currentOp shows it',
  run: (request, { operations }, reply) => {
    const op = findField(request.body, OP);
    if (op === undefined) throw new CommandError('NoSuchKey', 'Missing expected field "op"');
    if (!isNumericType(op.type)) {
      const found = typeAlias(op.type);
      throw new CommandError('TypeMismatch', `Expected field "op" to have numeric type, but found ${found}`);
    }
    operations.get(numberOf(op))?.interrupt(new CommandError('Interrupted', 'operation was interrupted'));
    reply.string('info', 'attempting to kill op');
  },
};
