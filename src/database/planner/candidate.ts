/**
 * An index as the planner sees it: fields with their paths. The index on `_id` is one of them, and a wildcard index is as
 * many as there are paths asked for.
 */
import { fieldName } from '../../bson/bytes.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { RAW_MIN_KEY, rawObject, rawString } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { LeafPredicate } from '../../query/match/predicate.ts';
import type { Index } from '../index/index.ts';
import type { IndexKind } from '../index_kinds/index_kind.ts';
import { ordinaryKind } from '../index_kinds/ordinary.ts';
import { isWildcardPath, wildcardPathsOf } from '../index_kinds/wildcard.ts';
import { indexField, type IndexField } from '../index/index_key.ts';
import { ID_INDEX_SPEC, storedIndexSpec } from '../index/index_spec.ts';
import { interval, point, type Interval, type IntervalBounds } from './interval.ts';
import type { Condition } from './conditions.ts';

export interface CandidateField extends IndexField {
  /** Bits of the segments of the path that led to an array. */
  readonly arrays: number;
  /** The field of a wildcard index that holds the path: its bounds come with the candidate. */
  readonly isPath: boolean;
}

export interface Candidate {
  /** Undefined: the index on `_id`. */
  readonly index: Index | undefined;
  readonly name: string;
  readonly fields: readonly CandidateField[];
  readonly isMultikey: boolean;
  readonly isSparse: boolean;
  /** Documents without the fields may be missing from it, for any reason. */
  readonly isWildcard: boolean;
  /** Of a wildcard index: it is looked at for its other fields, whatever the path. A document may be listed many times. */
  readonly isAnyPath: boolean;
  /** Its keys say which strings are equal and nothing about their order; strings cannot be read from them. */
  readonly isCollated: boolean;
  /** Bounds of one condition on one of the fields. */
  bounds(field: CandidateField, leaf: LeafPredicate): IntervalBounds | undefined;
}

const ID_SPEC = storedIndexSpec(ID_INDEX_SPEC);
const ID_FIELD: CandidateField = { ...indexField('_id', false), arrays: 0, isPath: false };

export const ID_CANDIDATE: Candidate = {
  index: undefined,
  name: '_id_',
  fields: [ID_FIELD],
  isMultikey: false,
  isSparse: false,
  isWildcard: false,
  isAnyPath: false,
  isCollated: false,
  bounds: (field, leaf) => ordinaryKind.bounds(field, leaf, ID_SPEC),
};

/** Every way of looking at the index that may serve the conditions; for other kinds there is one. */
export function candidatesOf(index: Index | undefined, conditions: readonly Condition[]): Candidate[] {
  if (index === undefined) return [ID_CANDIDATE];
  if (index.spec.kind.name === 'wildcard') return wildcardCandidates(index, conditions);
  const { spec, multikey } = index;
  const { kind } = spec;
  return [
    {
      index,
      name: spec.name,
      fields: spec.fields.map((field, i) => ({ ...field, arrays: multikey.arraysOf(i), isPath: false })),
      isMultikey: multikey.isMultikey,
      isSparse: spec.isSparse,
      isWildcard: false,
      isAnyPath: false,
      isCollated: spec.equality !== undefined,
      bounds: (field, leaf) => kind.bounds(field, leaf, spec),
    },
  ];
}

/** The key pattern; of a wildcard index as of the path looked at. */
export function keyPatternOf(candidate: Candidate): Uint8Array {
  const { index } = candidate;
  if (index === undefined) return ID_SPEC.key;
  if (!candidate.isWildcard) return index.spec.key;
  const writer = new BsonWriter().startDocument();
  for (const field of candidate.fields) writer.int32(field.path, field.descending ? -1 : 1);
  return writer.endDocument().finish();
}

export const PATH_FIELD = '$_path';

/** No more paths of one query are looked for in a wildcard index: there are no more plans. */
const WILDCARD_PATHS_MAX = 64;

function wildcardCandidates(index: Index, conditions: readonly Condition[]): Candidate[] {
  const paths = wildcardPathsOf(index.spec);
  const found = new Map<string, Candidate>();
  for (const { path, leaf, isNegated } of conditions) {
    if (found.size === WILDCARD_PATHS_MAX) break;
    if (found.has(path) || isNegated || !paths.includes(path) || /(^|\.)\d+(\.|$)/.test(path)) continue;
    if (isServedByWildcard(leaf)) found.set(path, wildcardCandidate(index, path));
  }
  return found.size === 0 && !isWildcardPath(index.spec.fields[0].path)
    ? [prefixCandidate(index)]
    : [...found.values()];
}

/** A compound wildcard index as one on the fields before its wildcard. */
function prefixCandidate(index: Index): Candidate {
  const { spec } = index;
  const at = spec.fields.findIndex((field) => isWildcardPath(field.path));
  const fields = spec.fields.map((field, i): CandidateField => {
    return i === at ? PATH : { ...field, arrays: 0, isPath: false };
  });
  const before = new Set(spec.fields.slice(0, at).map(({ path }) => path));
  return {
    index,
    name: spec.name,
    fields,
    isMultikey: index.multikey.isMultikey,
    isSparse: false,
    isWildcard: true,
    isAnyPath: true,
    isCollated: spec.equality !== undefined,
    bounds: (field, leaf) => (before.has(field.path) ? spec.kind.bounds(field, leaf, spec) : undefined),
  };
}

const PATH: CandidateField = {
  path: PATH_FIELD,
  segments: [fieldName(PATH_FIELD)],
  descending: false,
  plugin: undefined,
  arrays: 0,
  isPath: true,
};

/** Every path, and the place of documents without any. */
export const ANY_PATH: readonly Interval[] = [
  point(RAW_MIN_KEY),
  interval(rawString(''), rawObject(Uint8Array.of(5, 0, 0, 0, 0)), { start: true, end: false }),
];

function wildcardCandidate(index: Index, path: string): Candidate {
  const { spec, multikey } = index;
  const arrays = multikey.arraysOn(path);
  const bits = arrays.reduce((all, one) => all | (1 << (one.split('.').length - 1)), 0);
  const fields = spec.fields.flatMap((field): CandidateField[] => {
    if (!isWildcardPath(field.path)) return [{ ...field, arrays: 0, isPath: false }];
    const value = indexField(path, field.descending);
    return [PATH, { ...value, arrays: bits, isPath: false }];
  });
  const kind: IndexKind = spec.kind;
  return {
    index,
    name: spec.name,
    fields,
    isMultikey: bits !== 0,
    isSparse: false,
    isWildcard: true,
    isAnyPath: false,
    isCollated: spec.equality !== undefined,
    bounds(field, leaf) {
      if (field.path !== path || isServedByWildcard(leaf)) return kind.bounds(field, leaf, spec);
      return undefined;
    },
  };
}

/** The paths to be looked at for one that is asked for: those below it too where any value will do. */
export function pathIntervals(path: string, anyValue: boolean): Interval[] {
  const exact = point(rawString(path));
  if (!anyValue) return [exact];
  const below = interval(rawString(`${path}.`), rawString(`${path}/`), { start: true, end: false });
  return [exact, below];
}

/** Values that are taken apart are not listed as a whole, and what is missing is not listed at all. */
function isServedByWildcard(leaf: LeafPredicate): boolean {
  switch (leaf.kind) {
    case 'eq':
      return isListedValue(leaf.value.type) || isEmptyContainer(leaf.value);
    case 'in':
      return leaf.values.every((value) => isListedValue(value.type) || isEmptyContainer(value));
    case 'exists':
      return true;
    case 'other':
      return leaf.regex !== undefined || leaf.operator === '$mod';
    default:
      return isListedValue(leaf.value.type);
  }
}

const UNLISTED: ReadonlySet<number> = new Set([
  BSON_TYPE.null,
  BSON_TYPE.undefined,
  BSON_TYPE.object,
  BSON_TYPE.array,
  BSON_TYPE.minKey,
  BSON_TYPE.maxKey,
]);

function isListedValue(type: number): boolean {
  return !UNLISTED.has(type);
}

function isEmptyContainer(value: { readonly type: number; readonly start: number; readonly end: number }): boolean {
  return (value.type === BSON_TYPE.object || value.type === BSON_TYPE.array) && value.end - value.start === 5;
}
