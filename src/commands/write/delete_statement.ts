/** One statement of a delete, as the commands `delete` and `bulkWrite` have them. */
import type { RawValue } from '../../bson/value.ts';
import { DeleteRun } from '../../database/run/delete_run.ts';
import { resolveHint } from '../../database/planner/plan.ts';
import { shapedFilter } from '../../database/prepared/shaped_filter.ts';
import { compileFilter } from '../../query/matcher.ts';
import { BINARY_ORDER } from '../../query/value_order.ts';
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
  const scope = on.scopes.for(collation, collection);
  const queries = collection && scope.order === BINARY_ORDER ? data.prepared.of(collection) : undefined;
  const spec = {
    filter: shapedFilter(queries, q, () => compileFilter(q, scope)),
    filterBytes: queries && q,
    isMulti,
    hint: hint === undefined ? undefined : resolveHint(hint, collection),
    sort: undefined,
    statement: statementOf(session, id),
    image: undefined,
  };
  return new DeleteRun(data, ns, spec, on.turn);
}
