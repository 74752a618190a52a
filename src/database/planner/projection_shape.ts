/** What explain and the planner need to know of a projection: how simple it is, and which paths it reads. */
import { ElementReader, isEmptyDocument } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { isTruthy, stringOf } from '../../bson/value.ts';
import type { Plan } from './access.ts';

export class ProjectionShape {
  readonly spec: Uint8Array;
  /** Whether it only keeps fields of the top level. */
  readonly isSimple: boolean;
  /** What it reads; undefined when that may be anything. */
  readonly #paths: ReadonlySet<string> | undefined;

  /** Nothing of documents is looked at. */
  static readonly NOTHING = new ProjectionShape(Uint8Array.of(5, 0, 0, 0, 0), false, new Set());

  /** Undefined for an empty specification. */
  static of(spec: Uint8Array): ProjectionShape | undefined {
    if (isEmptyDocument(spec)) return undefined;
    const { isSimple, paths } = readShape(spec);
    return new ProjectionShape(spec, isSimple, paths);
  }

  private constructor(spec: Uint8Array, isSimple: boolean, paths: ReadonlySet<string> | undefined) {
    this.spec = spec;
    this.isSimple = isSimple;
    this.#paths = paths;
  }

  /** Whether the keys of the plan's index have all that is read. */
  isCoveredBy({ access, isExact }: Plan): boolean {
    if (access.kind !== 'index' || access.index === undefined || !isExact || this.#paths === undefined) return false;
    const { candidate } = access.bounds;
    if (candidate.isMultikey || candidate.isWildcard || candidate.isCollated) return false;
    const paths = candidate.fields.map((field) => field.path);
    // Fields below another field of the index could not both be made from the key.
    if (candidate.fields.some(({ plugin }) => plugin !== undefined) || hasNestedPaths(paths)) return false;
    return [...this.#paths].every((path) => paths.includes(path));
  }
}

function readShape(spec: Uint8Array): { readonly isSimple: boolean; readonly paths: ReadonlySet<string> | undefined } {
  const reader = new ElementReader(spec);
  const paths = new Set<string>();
  let isSimple = true;
  let isInclusion = false;
  let readsAnything = false;
  let hasId = true;
  while (reader.next()) {
    const name = reader.name();
    const isFlag = reader.type === BSON_TYPE.bool || isNumericType(reader.type);
    if (isFlag && !isTruthy(reader)) {
      if (name === '_id') hasId = false;
      else readsAnything = true;
      continue;
    }
    isInclusion = true;
    isSimple &&= isFlag && !name.includes('.');
    if (isFlag) paths.add(name);
    else if (!addPathsRead(reader, paths)) readsAnything = true;
  }
  if (hasId) paths.add('_id');
  const isKnown = isInclusion && !readsAnything;
  return { isSimple: isSimple && isKnown, paths: isKnown ? paths : undefined };
}

function hasNestedPaths(paths: readonly string[]): boolean {
  return paths.some((path) => paths.some((other) => other.startsWith(`${path}.`)));
}

/** Paths of fields in an expression; false when it may read anything. */
function addPathsRead(value: ElementReader, paths: Set<string>): boolean {
  switch (value.type) {
    case BSON_TYPE.string: {
      const text = stringOf(value);
      if (text.startsWith('$$')) return false;
      if (text.startsWith('$')) paths.add(text.slice(1));
      return true;
    }
    case BSON_TYPE.object:
    case BSON_TYPE.array: {
      const inner = new ElementReader(value.bytes, value.start);
      while (inner.next()) {
        if (inner.name() === '$const') continue;
        if (FIND_OPERATORS.has(inner.name()) || !addPathsRead(inner, paths)) return false;
      }
      return true;
    }
    default:
      return true;
  }
}

/** Operators of projections that look at the whole document or at what the filter matched. */
const FIND_OPERATORS: ReadonlySet<string> = new Set(['$slice', '$elemMatch', '$meta', '$literal', '$getField']);
