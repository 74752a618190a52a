/**
 * Facts that must hold. A failed invariant is a bug or corrupt state: it stops the member, nobody catches it to go
 * on, and the simulator prints the seed that led to it.
 */

/** Thrown by {@link invariant} alone. Never caught to continue; only the outermost layer turns it into an exit. */
export class InvariantError extends Error {
  override get name(): string {
    return 'InvariantError';
  }
}

/** Stops the member unless `condition` holds. Build costly messages lazily: pass a function. */
export function invariant(condition: boolean, message: string | (() => string)): asserts condition {
  if (condition) return;
  throw new InvariantError(typeof message === 'string' ? message : message());
}
