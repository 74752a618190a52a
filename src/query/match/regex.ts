/** Regular expressions in filters are not supported yet: refused wherever they would be matched. */
import { CommandError } from '../../base/command_error.ts';

export function refuseRegex(): never {
  throw new CommandError('NotImplemented', 'regular expressions in filters are not implemented');
}
