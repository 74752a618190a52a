/**
 * Wildcard indexes: every path of a document under `prefix.$**` is listed, with its value, in one index. Each entry
 * holds the path itself in front of the value, so a condition on a path becomes bounds of that pair of fields.
 *
 * A compound wildcard index has ordinary fields around the wildcard; a document without any path under the wildcard has
 * one entry there with MinKey for path and value, so that the index lists all documents by the other fields.
 */
import { CommandError } from '../../base/command_error.ts';
import { compareBytes, equalBytes } from '../../bson/bytes.ts';
import { ElementReader, isEmptyDocument } from '../../bson/elements.ts';
import { KeyWriter } from '../../bson/key.ts';
import { BSON_TYPE, type ValueSpan } from '../../bson/types.ts';
import { RAW_MIN_KEY, RAW_NULL, RAW_UNDEFINED, RawValue, rawString, stringOf } from '../../bson/value.ts';
import type { EqualityKeys } from '../../query/collation/equality_keys.ts';
import { NO_KEYS, type Extraction, type IndexField, type KeyGenerator } from '../index/index_key.ts';
import { checkCompoundWildcard } from './compound_wildcard.ts';
import type { IndexDraft, IndexKind, IndexSpec } from './index_kind.ts';
import { listedBounds } from './collated_bounds.ts';
import { WildcardPaths } from './wildcard_paths.ts';

const WILDCARD = '$**';

export function isWildcardPath(path: string): boolean {
  return path === WILDCARD || path.endsWith(`.${WILDCARD}`);
}

/** Which paths an index lists. */
export function wildcardPathsOf(spec: IndexSpec): WildcardPaths {
  const field = spec.fields.find((one) => isWildcardPath(one.path));
  const root = field === undefined || field.path === WILDCARD ? '' : field.path.slice(0, -WILDCARD.length - 1);
  return new WildcardPaths(root, spec.wildcardProjection);
}

export const wildcardKind: IndexKind = {
  name: 'wildcard',
  options: new Set(['wildcardProjection']),
  check(draft) {
    checkDraft(draft);
    return draft;
  },
  generator: (spec) => new WildcardKeyGenerator(spec),
  bounds(field, predicate, spec) {
    // The other fields of a compound index list what is missing as null.
    const isOther = spec.fields.some(({ path }) => path === field.path);
    return listedBounds(predicate, spec, { leavesOutMissing: !isOther });
  },
};

function checkDraft(draft: IndexDraft): void {
  const refuse = (text: string): CommandError => new CommandError('CannotCreateIndex', text);
  if (draft.isSparse) throw refuse("Index type 'wildcard' does not support the sparse option");
  if (draft.isUnique) throw refuse("Index type 'wildcard' does not support the unique option");
  if (draft.options.has('expireAfterSeconds')) throw refuse("Index type 'wildcard' cannot be a TTL index");
  const names = namesIn(draft);
  const wildcard = names.find(isWildcardPath);
  if (names.filter(isWildcardPath).length > 1) {
    const text = 'wildcard indexes do not allow more than one wildcard component in the key pattern';
    throw new CommandError(7_246_201, text);
  }
  const projection = draft.options.get('wildcardProjection');
  if (projection !== undefined && wildcard !== WILDCARD) {
    throw new CommandError(
      'FailedToParse',
      "The field 'wildcardProjection' is only allowed when 'key' is {\"$**\": ±1}",
    );
  }
  if (projection !== undefined) checkIsDocument(projection);
  if (names.length > 1 && wildcard !== undefined) checkCompoundWildcard(names, wildcard, projection);
  // Throws for what mixes inclusion and exclusion.
  if (projection !== undefined) new WildcardPaths('', projection.bytes.slice(projection.start, projection.end));
}

/** No field of such an index is of another kind. */
function namesIn({ key }: IndexDraft): string[] {
  const names: string[] = [];
  const reader = new ElementReader(key);
  while (reader.next()) {
    names.push(reader.name());
    if (reader.type !== BSON_TYPE.string) continue;
    const text = `wildcard indexes do not allow compounding with '${stringOf(reader)}'`;
    throw new CommandError('CannotCreateIndex', text);
  }
  return names;
}

function checkIsDocument(projection: RawValue): void {
  if (projection.type !== BSON_TYPE.object) {
    throw new CommandError('TypeMismatch', "The field 'wildcardProjection' must be a non-empty object");
  }
  if (isEmptyDocument(projection.bytes, projection.start)) {
    throw new CommandError('FailedToParse', "The 'wildcardProjection' field can't be an empty object");
  }
}

class WildcardKeyGenerator implements KeyGenerator {
  readonly #fields: readonly IndexField[];
  readonly #paths: WildcardPaths;
  readonly #equality: EqualityKeys | undefined;
  readonly #writer = new KeyWriter();

  constructor(spec: IndexSpec) {
    this.#fields = spec.fields;
    this.#equality = spec.equality;
    this.#paths = wildcardPathsOf(spec);
  }

  extract(document: Uint8Array, suffix: Uint8Array): Extraction {
    const leaves = new Leaves(this.#paths);
    leaves.walk(document, 0, '');
    if (leaves.values.length === 0) {
      if (this.#fields.length === 1) return NO_KEYS;
      leaves.values.push({ path: RAW_MIN_KEY, value: RAW_MIN_KEY });
    }
    const others = this.#fields.map((field) => (isWildcardPath(field.path) ? RAW_NULL : plainValue(document, field)));
    const keys = leaves.values.map((leaf) => this.#key(leaf, others, suffix));
    keys.sort(compareBytes);
    const unique = keys.filter((key, i) => i === 0 || !equalBytes(key, keys[i - 1]));
    const arrayPaths = [...leaves.arrayPaths];
    return { keys: unique, multikey: arrayPaths.length > 0, arrayPaths };
  }

  /** Wildcard indexes are not unique, so nobody asks which values collided; `returnKey` does. */
  valuesOf(document: Uint8Array, suffix: Uint8Array, key: Uint8Array): readonly RawValue[] {
    const leaves = new Leaves(this.#paths);
    leaves.walk(document, 0, '');
    const others = this.#fields.map((field) => (isWildcardPath(field.path) ? RAW_NULL : plainValue(document, field)));
    const found = leaves.values.find((leaf) => equalBytes(this.#key(leaf, others, suffix), key));
    return this.#fields.map((field, i) => (isWildcardPath(field.path) ? (found?.value ?? RAW_NULL) : others[i]));
  }

  #key(leaf: Leaf, others: readonly RawValue[], suffix: Uint8Array): Uint8Array {
    this.#writer.reset();
    for (const [i, field] of this.#fields.entries()) {
      if (isWildcardPath(field.path)) this.#writer.append(leaf.path).append(this.#listed(leaf.value), field.descending);
      else this.#writer.append(this.#listed(others[i]), field.descending);
    }
    return this.#writer.appendBytes(suffix).finish();
  }

  #listed(value: RawValue): ValueSpan {
    return this.#equality?.of(value) ?? value;
  }
}

/** The value of an ordinary field of a compound wildcard index, where arrays have no place. */
function plainValue(document: Uint8Array, field: IndexField): RawValue {
  let at = 0;
  for (const [i, segment] of field.segments.entries()) {
    const reader = new ElementReader(document, at);
    let isFound = false;
    while (!isFound && reader.next()) isFound = reader.nameEquals(segment);
    if (!isFound) return RAW_NULL;
    if (reader.type === BSON_TYPE.array) {
      const text = `Compound wildcard indexes cannot have an array in a field that is no wildcard: '${field.path}'`;
      throw new CommandError(7_246_301, text);
    }
    if (i === field.segments.length - 1) return reader.value();
    if (reader.type !== BSON_TYPE.object) return RAW_NULL;
    at = reader.start;
  }
  return RAW_NULL;
}

interface Leaf {
  readonly path: RawValue;
  readonly value: RawValue;
}

/** Every path that leads to a value which is not taken apart any further. */
class Leaves {
  readonly values: Leaf[] = [];
  readonly arrayPaths = new Set<string>();
  readonly #paths: WildcardPaths;

  constructor(paths: WildcardPaths) {
    this.#paths = paths;
  }

  /** `prefix` leads to the object at `at`, with its dot. */
  walk(bytes: Uint8Array, at: number, prefix: string): void {
    const reader = new ElementReader(bytes, at);
    while (reader.next()) {
      const path = prefix + reader.name();
      if (this.#paths.mayReach(path)) this.#value(path, reader, false);
    }
  }

  #value(path: string, value: ElementReader, isItem: boolean): void {
    const { type, bytes, start } = value;
    if (type === BSON_TYPE.object && !isEmptyDocument(bytes, start)) {
      this.walk(bytes, start, `${path}.`);
    } else if (type !== BSON_TYPE.array || isItem) {
      this.#add(path, value);
    } else {
      if (this.#paths.mayReach(path)) this.arrayPaths.add(path);
      const items = new ElementReader(bytes, start);
      let isEmpty = true;
      while (items.next()) {
        isEmpty = false;
        this.#value(path, items, true);
      }
      if (isEmpty) this.#add(path, RAW_UNDEFINED);
    }
  }

  #add(path: string, value: ValueSpan): void {
    if (!this.#paths.includes(path)) return;
    const leaf =
      value instanceof ElementReader ? value.value() : new RawValue(value.type, value.bytes, value.start, value.end);
    this.values.push({ path: rawString(path), value: leaf });
  }
}
