import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { isNumericType } from '../../bson/types.ts';
import { numberOf } from '../../bson/value.ts';
import { Arguments } from '../arguments.ts';
import type { Command } from '../context.ts';
import { wrongType } from '../fields.ts';

/** The database profiler, which is always off: only asking (-1) and switching it off (0) succeed. */
export const profileCommand: Command = {
  name: 'profile',
  secondary: 'optIn',
  help: 'the level of the profiler, which is always 0',
  run: (request, { server: { parameters } }, reply) => {
    const reader = new ElementReader(request.body);
    reader.next();
    if (!isNumericType(reader.type)) throw wrongType('profile.profile', reader, 'long', 'int', 'decimal', 'double');
    const level = numberOf(reader);
    const given = Arguments.ofCommand('profile', request.body);
    while (given.next()) {
      if (given.name === 'sampleRate') checkSampleRate(numberOf(given.value));
      else if (given.name === 'slowms' || given.name === 'filter') given.refuseUnsupported();
      else given.refuseUnknown();
    }
    if (level > 0) throw new CommandError('NotImplemented', 'the profiler is not implemented');
    reply.int32('was', 0).int32('slowms', parameters.get('slowms')).double('sampleRate', 1);
  },
};

function checkSampleRate(rate: number): void {
  if (rate >= 0 && rate <= 1) return;
  throw new CommandError('BadValue', "'sampleRate' must be between 0.0 and 1.0 inclusive");
}
