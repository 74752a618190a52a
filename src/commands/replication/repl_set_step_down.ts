import { CommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import type { Command } from '../context.ts';
import { askCore, firstNumber, optionalFlagArgument, optionalNumberArgument } from './replication_arguments.ts';

const CATCH_UP = fieldName('secondaryCatchUpPeriodSecs');
const FORCE = fieldName('force');

/** Source: the default of replSetStepDown for 0. */
const DEFAULT_SECS = 60;

/** Makes the primary a secondary for a while, once another member can take over. */
export const replSetStepDownCommand: Command = {
  name: 'replSetStepDown',
  adminOnly: true,
  secondary: 'always',
  maintenanceOk: true,
  help: 'makes the primary step down and lets another member become primary',
  run: (request, context, reply) => {
    const given = firstNumber(request);
    if (given < 0) throw new CommandError('BadValue', 'stepdown period must be a positive integer');
    const stepDownSecs = given === 0 ? DEFAULT_SECS : given;
    const force = optionalFlagArgument(request, FORCE, 'force');
    const catchUpSecs = optionalNumberArgument(request, CATCH_UP, 'secondaryCatchUpPeriodSecs');
    if (catchUpSecs !== undefined && catchUpSecs < 0) {
      throw new CommandError('BadValue', 'secondaryCatchUpPeriodSecs period must be a positive or absent');
    }
    if (catchUpSecs !== undefined && catchUpSecs > stepDownSecs) {
      throw new CommandError('BadValue', 'stepdown period must be longer than secondaryCatchUpPeriodSecs');
    }
    return askCore(context, reply, (replyTo) => ({
      kind: 'stepDown',
      arguments: { stepDownSecs, catchUpSecs, force },
      replyTo,
    }));
  },
};
