/** The commands about what a collection remembers of its queries: plans that won, and indexes that operators allow. */
import { CommandError } from '../../base/command_error.ts';
import { compareDocuments } from '../../bson/compare.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import { stringOf } from '../../bson/value.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import type { Collection } from '../../database/catalog/collection.ts';
import { queryShapeOf } from '../../database/planner/query_shape.ts';
import { compileFilter } from '../../query/matcher.ts';
import { compileSort } from '../../query/sort.ts';
import { refuseView } from '../../database/catalog/views.ts';
import { Arguments } from '../arguments.ts';
import { valueOrderFor } from '../query/collation_argument.ts';
import type { Command, CommandContext, CommandRequest } from '../context.ts';
import { EMPTY_DOCUMENT } from '../empty_document.ts';
import { expressionScope } from '../query/expression_scope.ts';
import { missingField } from '../fields.ts';
import { readNamespace } from '../namespace.ts';

/** What tells queries apart, as these commands take it. */
interface ShapeArguments {
  query: Uint8Array | undefined;
  sort: Uint8Array;
  projection: Uint8Array;
  /** The array of `indexes`, in the order of the client. */
  indexes: Uint8Array | undefined;
  collation: Uint8Array | undefined;
}

export const planCacheClearCommand: Command = {
  name: 'planCacheClear',
  secondary: 'optIn',
  help: 'forgets which plans won, for one shape of query or for all',
  run(request, context) {
    const args = parseShape('planCacheClear', request, false);
    const collection = collectionOf(request, context);
    collection?.plans.clear(shapeOf(args, collection, context));
  },
};

export const planCacheSetFilterCommand: Command = {
  name: 'planCacheSetFilter',
  secondary: 'optIn',
  help: 'lets queries of one shape use some indexes only',
  run(request, context) {
    const args = parseShape('planCacheSetFilter', request, true);
    const { query, sort, projection, collation, indexes } = args;
    if (query === undefined) throw missingField('planCacheSetFilter.query');
    if (indexes === undefined) throw missingField('planCacheSetFilter.indexes');
    const collection = collectionOf(request, context);
    if (collection === undefined) throw new CommandError('BadValue', 'no such collection');
    const shape = shapeOf(args, collection, context);
    const names = namesOf(indexes, collection);
    if (shape !== undefined) collection.plans.setFilter(shape, { query, sort, projection, collation, indexes, names });
  },
};

export const planCacheClearFiltersCommand: Command = {
  name: 'planCacheClearFilters',
  secondary: 'optIn',
  help: 'lets queries of one shape, or all, use every index again',
  run(request, context) {
    const args = parseShape('planCacheClearFilters', request, false);
    const collection = collectionOf(request, context);
    collection?.plans.clearFilters(shapeOf(args, collection, context));
  },
};

export const planCacheListFiltersCommand: Command = {
  name: 'planCacheListFilters',
  secondary: 'optIn',
  help: 'lists which queries may use some indexes only',
  run(request, context, reply) {
    const args = Arguments.ofCommand('planCacheListFilters', request.body);
    while (args.next()) args.refuseUnknown();
    reply.startArray('filters');
    const filters = collectionOf(request, context)?.plans.filters() ?? [];
    for (const [i, filter] of [...filters].entries()) writeFilter(reply, i, filter);
    reply.end();
  },
};

function writeFilter(reply: BsonWriter, i: number, filter: Omit<ShapeArguments, 'query' | 'indexes'> & Given): void {
  reply.startSubdocument(i).document('query', filter.query).document('sort', filter.sort);
  reply.document('projection', filter.projection);
  if (filter.collation !== undefined) reply.document('collation', filter.collation);
  reply.array('indexes', filter.indexes).end();
}

interface Given {
  readonly query: Uint8Array;
  readonly indexes: Uint8Array;
}

function collectionOf(request: CommandRequest, { data }: CommandContext): Collection | undefined {
  const ns = readNamespace(request, data);
  refuseView(data.catalog, ns);
  return data.catalog.find(ns);
}

function parseShape(name: string, request: CommandRequest, takesIndexes: boolean): ShapeArguments {
  const parsed: ShapeArguments = {
    query: undefined,
    sort: EMPTY_DOCUMENT,
    projection: EMPTY_DOCUMENT,
    indexes: undefined,
    collation: undefined,
  };
  const args = Arguments.ofCommand(name, request.body);
  while (args.next()) {
    if (args.name === 'query') parsed.query = args.document().slice();
    else if (args.name === 'sort') parsed.sort = args.document().slice();
    else if (args.name === 'projection') parsed.projection = args.document().slice();
    else if (args.name === 'collation') parsed.collation = args.document().slice();
    else if (args.name === 'indexes' && takesIndexes) parsed.indexes = indexList(args);
    else args.refuseUnknown();
  }
  if (parsed.query === undefined && (parsed.sort !== EMPTY_DOCUMENT || parsed.projection !== EMPTY_DOCUMENT)) {
    throw new CommandError('BadValue', 'sort or projection provided without query');
  }
  return parsed;
}

function indexList(args: Arguments): Uint8Array {
  const { value } = args;
  if (value.type !== BSON_TYPE.array) {
    throw new CommandError('BadValue', `required field indexes must be an array, not ${typeAlias(value.type)}`);
  }
  const list = value.bytes.slice(value.start, value.end);
  if (new ElementReader(list).next()) return list;
  throw new CommandError('BadValue', 'required field indexes must contain at least one index');
}

/** Undefined when no query was given. */
function shapeOf(
  { query, sort, collation }: ShapeArguments,
  collection: Collection,
  context: CommandContext,
): string | undefined {
  if (query === undefined) return undefined;
  const { predicate } = compileFilter(query, expressionScope(context, { order: valueOrderFor(collation, collection) }));
  return queryShapeOf(predicate, compileSort(sort)?.fields);
}

/** The names of the indexes that are there among those listed by name or by key pattern. */
function namesOf(indexes: Uint8Array, collection: Collection): ReadonlySet<string> {
  const names = new Set<string>();
  const reader = new ElementReader(indexes);
  while (reader.next()) {
    if (reader.type === BSON_TYPE.string) names.add(stringOf(reader));
    else if (reader.type === BSON_TYPE.object) {
      for (const { spec } of collection.indexes) {
        if (compareDocuments(reader.bytes, reader.start, spec.key, 0) === 0) names.add(spec.name);
      }
    } else {
      throw new CommandError('BadValue', 'each item in indexes must be either a string or an object');
    }
  }
  return names;
}
