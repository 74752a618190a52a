/**
 * The one error for "the client is wrong, or the set cannot do it". `commands/dispatch.ts` alone turns it into a reply.
 */
import { ERROR_CODES, errorNameOf, type ErrorName } from './error_codes.ts';

/** A value of an error reply's extra fields, at the edge where replies are built. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

export class CommandError extends Error {
  readonly code: number;
  readonly codeName: string;
  /** Further fields of the reply (or of the entry in `writeErrors`), as `keyPattern` and `keyValue`. */
  readonly details: ErrorDetails;

  /**
   * @param error a name of MongoDB's error table, or a bare number where MongoDB gives none (`Location<number>`)
   * @param message MongoDB's wording where drivers or users match on it; otherwise one sentence without a full stop
   */
  constructor(error: ErrorName | number, message: string, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = typeof error === 'number' ? error : ERROR_CODES[error];
    this.codeName = errorNameOf(this.code);
    this.details = details;
  }

  override get name(): string {
    return 'CommandError';
  }
}

/** Of an expression that is computed once and for all, before any document is seen. */
export class ConstantError extends CommandError {}

/** Whether `error` is a CommandError with that name. */
export function isCommandError(error: unknown, name: ErrorName): error is CommandError {
  return error instanceof CommandError && error.code === ERROR_CODES[name];
}

/** The same error with what was being done in front of its message; what is no CommandError stays as it is. */
export function inContext(error: unknown, doing: string): unknown {
  if (!(error instanceof CommandError)) return error;
  return new CommandError(error.code, `${doing} :: caused by :: ${error.message}`, error.details, { cause: error });
}
