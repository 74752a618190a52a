/**
 * Which item of an array made a document match: what the positional `$` stands for. Of several conditions the last one
 * that met an array decides, in the order that MongoDB brings conditions into: by kind, then by path. Slow but plain:
 * runs only for updates that need it.
 */
import { ElementReader, findField } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { rawObject, type RawValue } from '../../bson/value.ts';
import { filterPath, type FilterPath } from './path.ts';
import type { LeafPredicate, Predicate } from './predicate.ts';
import { MISSING } from './value_test.ts';

/** The index in the outermost array that the filter's decisive path went through; undefined when there was none. */
export function matchedArrayIndex(predicate: Predicate, document: Uint8Array): number | undefined {
  const details = new MatchDetails(document);
  return details.matches(simplified(predicate)) ? details.index : undefined;
}

class MatchDetails {
  readonly #document: Uint8Array;
  index: number | undefined;

  constructor(document: Uint8Array) {
    this.#document = document;
  }

  matches(predicate: Predicate): boolean {
    switch (predicate.kind) {
      case 'constant':
        return predicate.value;
      case 'document':
        return predicate.matches(this.#document, 0);
      case 'and':
        return this.#matchesAll(predicate.children);
      case 'or':
        // Alternatives tell no item.
        return this.#withoutRecord(() => predicate.children.some((child) => this.matches(child)));
      case 'not':
        return !this.#withoutRecord(() => this.matches(predicate.child));
      case 'nor':
        return !this.#withoutRecord(() => predicate.children.some((child) => this.matches(child)));
      default:
        return this.#matchesLeaf(predicate);
    }
  }

  #matchesAll(children: readonly Predicate[]): boolean {
    const before = this.index;
    const matches = inOrder(children).every((child) => this.matches(child));
    if (!matches) this.index = before;
    return matches;
  }

  #withoutRecord(match: () => boolean): boolean {
    const before = this.index;
    const result = match();
    this.index = before;
    return result;
  }

  #matchesLeaf(leaf: LeafPredicate): boolean {
    const visit: Visit = (value, index) => {
      const type = value?.type ?? MISSING;
      if (!leaf.test(value?.bytes ?? this.#document, type, value?.start ?? 0, value?.end ?? 0)) return false;
      const found = index ?? (value === undefined ? undefined : indexInside(leaf, value));
      if (found !== undefined) this.index = found;
      return true;
    };
    return new IndexedWalk(leaf, visit).inDocument(0, rawObject(this.#document), undefined);
  }
}

/** Source: the order of conditions in the `parsedQuery` of MongoDB's explain. */
const KINDS: readonly string[] = [
  ...['and', 'or', '$elemMatch', '$size', 'eq', 'lte', 'lt', 'gt', 'gte', '$regex', '$mod', 'exists', 'in'],
  ...['$bitsAllSet', '$bitsAllClear', '$bitsAnySet', '$bitsAnyClear', 'not', 'nor', '$type', 'document', 'constant'],
];

function inOrder(children: readonly Predicate[]): readonly Predicate[] {
  if (children.length < 2) return children;
  return children.toSorted((a, b) => rankOf(a) - rankOf(b) || byText(pathOf(a), pathOf(b)));
}

/**
 * Lists in lists of the same kind are taken apart, single members stand for themselves, and alternatives that are equalities
 * on one path are a `$in`.
 */
function simplified(predicate: Predicate): Predicate {
  if (predicate.kind !== 'and' && predicate.kind !== 'or') return predicate;
  const { kind } = predicate;
  const children = predicate.children
    .map(simplified)
    .flatMap((child) => (child.kind === kind ? child.children : [child]));
  const [only] = children;
  if (children.length === 1) return only;
  return (kind === 'or' ? maybeMembership(children) : undefined) ?? { kind, children };
}

type Equality = Extract<LeafPredicate, { value: RawValue } | { values: readonly RawValue[] }>;

function maybeMembership(alternatives: readonly Predicate[]): Predicate | undefined {
  const equalities = alternatives.filter((child): child is Equality => child.kind === 'eq' || child.kind === 'in');
  const [first] = equalities;
  if (equalities.length < alternatives.length || equalities.some(({ path }) => path !== first.path)) return undefined;
  return {
    ...first,
    kind: 'in',
    values: equalities.flatMap((equality) => (equality.kind === 'in' ? equality.values : [equality.value])),
    test: (bytes, type, start, end) => equalities.some((equality) => equality.test(bytes, type, start, end)),
  };
}

function rankOf(predicate: Predicate): number {
  const rank = KINDS.indexOf(predicate.kind === 'other' ? predicate.operator : predicate.kind);
  return rank < 0 ? KINDS.length : rank;
}

function pathOf(predicate: Predicate): string {
  return 'path' in predicate ? predicate.path : '';
}

function byText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** `$elemMatch` finds its item itself. */
function indexInside(leaf: LeafPredicate, array: RawValue): number | undefined {
  const itemTest = leaf.kind === 'other' ? leaf.itemTest : undefined;
  if (itemTest === undefined) return undefined;
  const reader = new ElementReader(array.bytes, array.start);
  for (let index = 0; reader.next(); index++) {
    if (itemTest(reader.bytes, reader.type, reader.start, reader.end)) return index;
  }
  return undefined;
}

/** Sees the values a path leads to, undefined for missing, with the index in the outermost array; true stops. */
type Visit = (value: RawValue | undefined, index: number | undefined) => boolean;

/** Walks a path as `path.ts` does, and carries the index in the outermost array along. */
class IndexedWalk {
  readonly #path: FilterPath;
  readonly #last: number;
  readonly #expandArrays: boolean;
  readonly #visit: Visit;

  constructor(leaf: LeafPredicate, visit: Visit) {
    this.#path = filterPath(leaf.path);
    this.#last = this.#path.names.length - 1;
    // $exists asks for the array itself.
    this.#expandArrays = leaf.expandArrays && leaf.kind !== 'exists';
    this.#visit = visit;
  }

  inDocument(i: number, document: RawValue, index: number | undefined): boolean {
    const value = findField(document.bytes, this.#path.names[i], document.start);
    if (value === undefined) return this.#visit(undefined, index);
    if (i < this.#last) {
      if (value.type === BSON_TYPE.object) return this.inDocument(i + 1, value, index);
      return value.type === BSON_TYPE.array ? this.#inArray(i + 1, value, index) : this.#visit(undefined, index);
    }
    return this.#atEnd(value, index);
  }

  #atEnd(value: RawValue, index: number | undefined): boolean {
    if (value.type !== BSON_TYPE.array || !this.#expandArrays) return this.#visit(value, index);
    return items(value).some((item, at) => this.#visit(item, index ?? at)) || this.#visit(value, index);
  }

  #inArray(i: number, array: RawValue, outer: number | undefined): boolean {
    return items(array).some((item, at) => {
      if (item.type === BSON_TYPE.object && this.inDocument(i, item, outer ?? at)) return true;
      // An item that the path itself names is not one that was found.
      if (at !== this.#path.indexes[i]) return false;
      if (i === this.#last) return this.#atEnd(item, outer);
      if (item.type === BSON_TYPE.object) return this.inDocument(i + 1, item, outer);
      return item.type === BSON_TYPE.array && this.#inArray(i + 1, item, outer);
    });
  }
}

function items(array: RawValue): RawValue[] {
  const values: RawValue[] = [];
  const reader = new ElementReader(array.bytes, array.start);
  while (reader.next()) values.push(reader.value());
  return values;
}
