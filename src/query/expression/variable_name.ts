/** Names of variables that a user may bind or read. */
import { CommandError } from '../../base/command_error.ts';

/** Letters, digits, underscores and everything beyond ASCII; the first is a small letter or beyond ASCII. */
export function checkVariableName(name: string): void {
  if (name === '') throw new CommandError('FailedToParse', 'empty variable names are not allowed');
  if (name === 'CURRENT') return;
  if (!/^[a-z\u0080-\uffff]/.test(name)) {
    throw new CommandError('FailedToParse', `'${name}' starts with an invalid character for a user variable name`);
  }
  checkLaterCharacters(name);
}

/** As {@link checkVariableName}; names of MongoDB's own variables begin with a capital. */
export function checkReadVariableName(name: string): void {
  if (name === '') throw new CommandError('FailedToParse', 'empty variable names are not allowed');
  if (!/^[A-Za-z\u0080-\uffff]/.test(name)) {
    throw new CommandError('FailedToParse', `'${name}' starts with an invalid character for a variable name`);
  }
  checkLaterCharacters(name);
}

function checkLaterCharacters(name: string): void {
  const bad = /[^A-Za-z0-9_\u0080-\uffff]/.exec(name);
  if (bad !== null) {
    throw new CommandError('FailedToParse', `'${name}' contains an invalid character for a variable name: '${bad[0]}'`);
  }
}
