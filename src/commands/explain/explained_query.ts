/** What the commands that can be explained ask for, as explain takes it. */
import { CommandError } from '../../base/command_error.ts';
import { isEmptyDocument } from '../../bson/elements.ts';
import type { RawValue } from '../../bson/value.ts';
import type { Collection } from '../../database/catalog/collection.ts';
import { ProjectionShape } from '../../database/planner/projection_shape.ts';
import type { ExplainedQuery, Purpose } from '../../database/explain/query_stages.ts';
import { resolveHint, type Hint } from '../../database/planner/plan.ts';
import { parseCollation } from '../../query/collation.ts';
import { compileFilter } from '../../query/matcher.ts';
import { compileProjection } from '../../query/projection.ts';
import { compileSort } from '../../query/sort.ts';
import { compileUpdate } from '../../query/update.ts';
import { valueOrderFor } from '../query/collation_argument.ts';
import type { CommandContext, CommandRequest } from '../context.ts';
import { parseCount } from '../query/count.ts';
import { readPoint } from '../query/cursor_reply.ts';
import { parseDelete } from '../write/delete.ts';
import { parseDistinct } from '../query/distinct.ts';
import { expressionScope } from '../query/expression_scope.ts';
import { limitsOf, naturalSortOf } from '../query/find.ts';
import { checkName, parseFind } from '../query/find_arguments.ts';
import { checkArguments, parseFindAndModify } from '../write/find_and_modify.ts';
import { readNamespace, writeNamespace } from '../namespace.ts';
import { parseUpdate } from '../write/update.ts';

/** Parses the command that is explained. Throws CommandError as the command itself would. */
type Explainer = (request: CommandRequest, context: CommandContext) => ExplainedQuery;

export const EXPLAINERS: ReadonlyMap<string, Explainer> = new Map<string, Explainer>([
  ['find', explainedFind],
  ['count', explainedCount],
  ['distinct', explainedDistinct],
  ['update', explainedUpdate],
  ['delete', explainedDelete],
  ['findAndModify', explainedFindAndModify],
  ['findandmodify', explainedFindAndModify],
]);

/** What all of them share. */
interface Asked {
  readonly ns: string;
  readonly filter: Uint8Array;
  readonly sort?: Uint8Array | undefined;
  readonly projection?: Uint8Array | undefined;
  readonly hint?: RawValue | undefined;
  readonly skip?: number;
  readonly limit?: number;
  readonly collation: Uint8Array | undefined;
  readonly variables?: Uint8Array | undefined;
  readonly purpose: Purpose;
}

function explained(asked: Asked, request: CommandRequest, context: CommandContext): ExplainedQuery {
  const { ns, sort, projection, hint, skip = 0, limit = Infinity, variables, purpose } = asked;
  const collection = context.data.catalog.find(ns);
  const order = valueOrderFor(asked.collation, collection);
  const scope = expressionScope(context, { variables, order });
  const filter = compileFilter(asked.filter, scope);
  if (projection !== undefined) compileProjection(projection, filter, scope);
  return {
    ns,
    collection,
    filter,
    sort: sort === undefined || isEmptyDocument(sort) ? undefined : compileSort(sort, order, scope),
    sortPattern: sort,
    projection: projection === undefined ? undefined : ProjectionShape.of(projection),
    hint: hint === undefined ? undefined : resolveHint(hint, collection),
    skip,
    limit,
    at: readPoint(request, context, ns)(),
    purpose,
    collation: collationOf(asked.collation, collection),
  };
}

function collationOf(spec: Uint8Array | undefined, collection: Collection | undefined): Uint8Array | undefined {
  if (spec === undefined || isEmptyDocument(spec)) return collection?.collation?.document;
  return parseCollation(spec)?.document;
}

function explainedFind(request: CommandRequest, context: CommandContext): ExplainedQuery {
  checkName(request);
  const find = parseFind(request, readNamespace(request, context.data));
  const natural: Hint | undefined = naturalSortOf(find);
  const sort = natural === undefined ? find.sort : undefined;
  const hint = natural === undefined ? find.hint : undefined;
  const asked = { ...find, sort, hint, purpose: { kind: 'find' } as const };
  const query = explained(asked, request, context);
  const limits = limitsOf(find, query.collection);
  return { ...query, limits, hint: natural ?? query.hint };
}

function explainedCount(request: CommandRequest, context: CommandContext): ExplainedQuery {
  const count = parseCount(request);
  const ns = readNamespace(request, context.data);
  return explained({ ...count, ns, filter: count.query, purpose: { kind: 'count' } }, request, context);
}

function explainedDistinct(request: CommandRequest, context: CommandContext): ExplainedQuery {
  const distinct = parseDistinct(request);
  const ns = readNamespace(request, context.data);
  const purpose = { kind: 'distinct', key: distinct.key } as const;
  return explained({ ...distinct, ns, filter: distinct.query, purpose }, request, context);
}

function sole<T>(statements: readonly T[]): T {
  const [statement] = statements;
  if (statements.length === 1) return statement;
  throw new CommandError('InvalidLength', 'explained write batches must be of size 1');
}

function explainedUpdate(request: CommandRequest, context: CommandContext): ExplainedQuery {
  const { shared, statements, variables } = parseUpdate(request);
  const statement = sole(statements);
  const { q, u, isMulti, isUpsert, arrayFilters } = statement;
  compileUpdate(u, { arrayFilters, scope: expressionScope(context, { variables }) });
  const purpose = { kind: 'update', isMulti, isUpsert } as const;
  return explained({ ...statement, ns: shared.ns, filter: q, variables, purpose }, request, context);
}

function explainedDelete(request: CommandRequest, context: CommandContext): ExplainedQuery {
  const { shared, statements, variables } = parseDelete(request);
  const statement = sole(statements);
  const purpose = { kind: 'delete', isMulti: statement.isMulti } as const;
  return explained({ ...statement, ns: shared.ns, filter: statement.q, variables, purpose }, request, context);
}

function explainedFindAndModify(request: CommandRequest, context: CommandContext): ExplainedQuery {
  const ns = writeNamespace(request);
  const args = parseFindAndModify(request);
  checkArguments(args);
  const returns = args.returnNew ? 'after' : 'before';
  const purpose: Purpose = args.remove
    ? { kind: 'delete', isMulti: false, returns }
    : { kind: 'update', isMulti: false, isUpsert: args.upsert, returns };
  return explained({ ...args, ns, filter: args.query, projection: args.fields, purpose }, request, context);
}
