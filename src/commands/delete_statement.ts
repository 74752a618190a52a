/** One statement of a delete, as the commands `delete` and `bulkWrite` have them. */
import type { RawValue } from '../bson/value.ts';
import { DeleteRun } from '../database/delete_run.ts';
import { resolveHint } from '../database/plan.ts';
import { compileFilter } from '../query/matcher.ts';
import { statementOf, type StatementContext } from './write_batch.ts';

export interface DeleteStatement {
  readonly q: Uint8Array;
  readonly isMulti: boolean;
  readonly hint: RawValue | undefined;
  readonly collation: Uint8Array | undefined;
}

/** Compiles a statement and makes it ready to run. Throws CommandError for what the server would refuse. */
export function openDelete(ns: string, statement: DeleteStatement, id: number, on: StatementContext): DeleteRun {
  const { q, isMulti, hint, collation } = statement;
  const { data, session } = on;
  const collection = data.catalog.find(ns);
  const spec = {
    filter: compileFilter(q, on.scopes.for(collation, collection)),
    isMulti,
    hint: hint === undefined ? undefined : resolveHint(hint, collection),
    sort: undefined,
    statement: statementOf(session, id),
    image: undefined,
  };
  return new DeleteRun(data, ns, spec, on.turn);
}
