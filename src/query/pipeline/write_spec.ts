/** What a pipeline that ends with `$out` or `$merge` is to do with its documents; carried out by `database/`. */
import { CommandError } from '../../base/command_error.ts';
import type { Collation } from '../collation.ts';
import type { RawValue } from '../../bson/value.ts';
import type { ExpressionScope } from '../expression.ts';
import type { LetVariables } from './let_variables.ts';

export type WriteSpec = OutSpec | MergeSpec;

/** The target is replaced as a whole. */
export interface OutSpec {
  readonly kind: 'out';
  readonly db: string;
  readonly collection: string;
}

export type WhenMatched = 'replace' | 'merge' | 'keepExisting' | 'fail' | 'pipeline';
export type WhenNotMatched = 'insert' | 'discard' | 'fail';

/** Each document is written into the target by itself. */
export interface MergeSpec {
  readonly kind: 'merge';
  readonly db: string;
  readonly collection: string;
  /** Paths by whose values documents of the target are found. */
  readonly on: readonly string[];
  /** Of the command: the unique index over `on` must have the same. */
  readonly collation: Collation | undefined;
  readonly whenMatched: WhenMatched;
  readonly whenNotMatched: WhenNotMatched;
  /** Of `whenMatched: 'pipeline'`. */
  readonly update: MergeUpdate | undefined;
}

/** An update by a pipeline whose variables are set anew for each document. */
export interface MergeUpdate {
  /** An array of stages, compiled when the first document comes: until then MongoDB does not look at it either. */
  readonly stages: RawValue;
  readonly variables: LetVariables;
  /** What the stages see. */
  readonly scope: ExpressionScope;
}

const INTERNAL_DATABASES = new Set(['admin', 'config', 'local']);

/** Refuses targets that belong to the server, with the codes that each of the two stages has for them. */
export function checkWriteTarget(
  { db, collection }: { readonly db: string; readonly collection: string },
  says: { readonly refusal: string; readonly internalCode: number; readonly specialCode: number },
): void {
  if (INTERNAL_DATABASES.has(db)) {
    throw new CommandError(says.internalCode, `${says.refusal} to internal database: ${db}`);
  }
  if (collection.startsWith('system.')) {
    throw new CommandError(says.specialCode, `${says.refusal} to special collection: ${collection}`);
  }
}
