/** The plan of queries with `$near`, and of `$geoNear`: through the index on the field they name, nearest first. */
import { CommandError } from '../../base/command_error.ts';
import type { NearQuery } from '../../query/geo/near.ts';
import { describeQuery } from '../../query/match/describe_predicate.ts';
import { specialConditionsOf } from '../../query/match/special_conditions.ts';
import type { NearCondition, Predicate } from '../../query/match/predicate.ts';
import type { Index } from '../index/index.ts';
import { FLAT_PLUGIN } from '../index_kinds/two_d.ts';
import { SPHERE_PLUGIN } from '../index_kinds/two_d_sphere.ts';
import { NearScan, type NearTarget } from '../scan/near_scan.ts';
import { listsMatches, pinnedPrefix, visibleIndexes } from './special_index.ts';
import type { SpecialAccess, SpecialPlanner, SpecialRequest } from './special_plan.ts';

export const nearPlanner: SpecialPlanner = {
  claims: (filter) => specialConditionsOf(filter.predicate).nears > 0,
  plan(request) {
    const { nears } = specialConditionsOf(request.filter.predicate);
    if (nears > 1) throw new CommandError('BadValue', 'Too many geoNear expressions');
    if (request.hintKind === 'natural') {
      throw new CommandError('BadValue', 'geoNear expression not allowed with $natural sort order');
    }
    if (request.hintKind === 'unknown') {
      throw planError('BadValue', 'hint provided does not correspond to an existing index', request);
    }
    const condition = conditionIn(request.filter.predicate);
    if (condition === undefined) throw new CommandError('BadValue', 'geoNear must be top-level expr');
    const target = targetOf(condition, request);
    if (target === undefined)
      throw planError('NoQueryExecutionPlans', 'unable to find index for $geoNear query', request);
    return accessOf(target);
  },
};

/** The condition itself or a member of the conjunction that the filter is. */
function conditionIn(predicate: Predicate): NearCondition | undefined {
  if (predicate.kind === 'other') return predicate.near;
  if (predicate.kind !== 'and') return undefined;
  for (const child of predicate.children) {
    const found = conditionIn(child);
    if (found !== undefined) return found;
  }
  return undefined;
}

function accessOf(target: NearTarget): SpecialAccess {
  const { index, isFlat } = target;
  return {
    kind: 'special',
    index,
    isOrdered: true,
    open: (request) => new NearScan(request, target),
    explain(writer) {
      writer.string('stage', isFlat ? 'GEO_NEAR_2D' : 'GEO_NEAR_2DSPHERE');
      writer.document('keyPattern', index.spec.key).string('indexName', index.spec.name);
    },
  };
}

function targetOf(condition: NearCondition, request: SpecialRequest): NearTarget | undefined {
  const usable = visibleIndexes(request).filter((index) => listsMatches(index, request));
  const path = condition.query.path ?? solePath(usable, request);
  for (const index of request.hint === undefined ? usable : [request.hint]) {
    const at = index.spec.fields.findIndex((field) => field.path === path && answers(field.plugin, condition.query));
    if (at < 0) continue;
    const field = index.spec.fields[at];
    const prefix = pinnedPrefix(index, index.spec.fields.slice(0, at), request);
    return { condition, index, field, prefix, isFlat: field.plugin === FLAT_PLUGIN };
  }
  return undefined;
}

/** Points given on the sphere are for indexes of the sphere; a flat index can measure along the sphere all the same. */
function answers(plugin: string | undefined, query: NearQuery): boolean {
  if (plugin === SPHERE_PLUGIN) return query.center !== undefined;
  return plugin === FLAT_PLUGIN && query.unit !== 'metres';
}

/** The field of the only geospatial index: a flat one if there is one. */
function solePath(indexes: readonly Index[], { collection }: SpecialRequest): string {
  for (const plugin of [FLAT_PLUGIN, SPHERE_PLUGIN]) {
    const fields = indexes.flatMap((index) => index.spec.fields.filter((field) => field.plugin === plugin));
    const [first] = fields;
    if (first === undefined) continue;
    if (fields.length === 1) return first.path;
    const text = `There is more than one ${plugin} index on ${collection.ns}; unsure which to use for $geoNear`;
    throw new CommandError('IndexNotFound', text);
  }
  throw new CommandError('IndexNotFound', '$geoNear requires a 2d or 2dsphere index, but none were found');
}

function planError(
  code: 'BadValue' | 'NoQueryExecutionPlans',
  reason: string,
  { collection, filter }: SpecialRequest,
): CommandError {
  const query = describeQuery(collection.ns, filter.predicate);
  return new CommandError(code, `error processing query: ${query} planner returned error :: caused by :: ${reason}`);
}
