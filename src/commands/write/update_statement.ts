/** One statement of an update, as the commands `update` and `bulkWrite` have them. */
import { CommandError } from '../../base/command_error.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { idOf } from '../../database/insertable.ts';
import { resolveHint } from '../../database/planner/plan.ts';
import { shapedFilter } from '../../database/prepared/shaped_filter.ts';
import { UpdateRun } from '../../database/run/update_run.ts';
import { EntryView } from '../../oplog/entry.ts';
import { describeDocument } from '../../query/describe.ts';
import type { ExpressionScope } from '../../query/expression.ts';
import { compileFilter } from '../../query/matcher.ts';
import { compileSort } from '../../query/sort.ts';
import { compileUpdate } from '../../query/update.ts';
import { BINARY_ORDER } from '../../query/value_order.ts';
import { EMPTY_DOCUMENT } from '../empty_document.ts';
import { lostHistory, statementOf, type StatementContext } from './write_batch.ts';

export interface UpdateStatement {
  readonly q: Uint8Array;
  readonly u: RawValue;
  readonly isMulti: boolean;
  readonly isUpsert: boolean;
  readonly arrayFilters: RawValue | undefined;
  readonly hint: RawValue | undefined;
  readonly sort: Uint8Array | undefined;
  /** Variables of a pipeline and its filter, taken as they are. */
  readonly constants: Uint8Array | undefined;
  readonly collation: Uint8Array | undefined;
}

/** Refuses a sort of an update that takes all documents anyway. */
export function checkSortOption(sort: Uint8Array | undefined, isMulti: boolean): void {
  if (sort !== undefined && isMulti) throw new CommandError('FailedToParse', 'Cannot specify sort with multi=true');
}

/** Compiles a statement and makes it ready to run. Throws CommandError for what the server would refuse. */
export function openUpdate(ns: string, statement: UpdateStatement, id: number, on: StatementContext): UpdateRun {
  const { q, u, isMulti, isUpsert, arrayFilters, hint, sort } = statement;
  const { data, session } = on;
  const collection = data.catalog.find(ns);
  const scope = on.scopes.for(statement.collation, collection);
  const queries = collection && scope.order === BINARY_ORDER ? data.prepared.of(collection) : undefined;
  const ownScope = scopeOf(statement, scope);
  const filter = shapedFilter(queries, q, () => compileFilter(q, ownScope, { isUpsert }));
  const update = compileUpdate(u, { arrayFilters, scope: ownScope });
  if (isMulti && update.kind === 'replacement') {
    throw new CommandError('FailedToParse', 'multi update is not supported for replacement-style update');
  }
  const spec = {
    filter,
    filterBytes: queries && q,
    update,
    isMulti,
    isUpsert,
    hint: hint === undefined ? undefined : resolveHint(hint, collection),
    sort: sort === undefined ? undefined : compileSort(sort, scope.order, scope),
    statement: statementOf(session, id),
    image: undefined,
    bypassesValidation: on.bypassesValidation,
    keepsEmptyTimestamps: on.keepsEmptyTimestamps,
  };
  return new UpdateRun(data, ns, spec, on.turn);
}

function scopeOf({ u, constants }: UpdateStatement, scope: ExpressionScope): ExpressionScope {
  if (constants === undefined) return scope;
  if (u.type === BSON_TYPE.array) return scope.withConstants(constants);
  throw new CommandError(51_198, 'Constant values may only be specified for pipeline updates');
}

/** What an executed statement did. */
export interface RepeatedUpdate {
  readonly nModified: number;
  readonly upserted: RawValue | undefined;
}

/** Tells from its entry what a statement did that was executed before. Throws when it was another kind of write. */
export function repeatedUpdate(entry: Uint8Array | undefined): RepeatedUpdate {
  if (entry === undefined) throw lostHistory();
  const view = new EntryView().reset(entry);
  if (view.op === 'u') return { nModified: 1, upserted: undefined };
  if (view.op === 'i') return { nModified: 0, upserted: idOf(view.documentAt(view.oAt) ?? EMPTY_DOCUMENT) };
  throw new CommandError(
    40_638,
    'update retry request is not compatible with previous write in the transaction of type: ' +
      `${view.op}, oplogTs: ${String(view.ts)}, oplog: { oplogEntry: ${describeDocument(entry)} }`,
  );
}
