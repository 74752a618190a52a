/** The conditions of a `$match`, one by one: what each is about, and what it would be under other names. */
import { BSON_TYPE } from '../../../bson/types.ts';
import { rawArray, rawObject, type RawValue } from '../../../bson/value.ts';
import { BsonWriter } from '../../../bson/writer.ts';
import { addExpressionPaths } from './expression_paths.ts';
import { fieldsIn, type StageSpec } from './stage_spec.ts';

/** Part of a conjunction: a filter by itself. */
export interface MatchPart {
  readonly filter: RawValue;
  /** The paths that it is about; undefined when it may be about anything. */
  readonly paths: ReadonlySet<string> | undefined;
  /** Whether it is only about single paths by their names, so that they can be renamed. */
  readonly isPlain: boolean;
}

const LISTS: ReadonlySet<string> = new Set(['$and', '$or', '$nor']);

/** The conjunction taken apart. */
export function partsOf(filter: RawValue): MatchPart[] {
  return fieldsIn(filter).flatMap(([name, value]) => {
    if (name === '$and' && value.type === BSON_TYPE.array) return fieldsIn(value).flatMap(([, one]) => partsOf(one));
    const alone = rawObject(new BsonWriter().startDocument().value(name, value).endDocument().finish());
    const paths = new Set<string>();
    return [{ filter: alone, paths: addPaths(alone, paths) ? paths : undefined, isPlain: isPlain(alone) }];
  });
}

function addPaths(filter: RawValue, paths: Set<string>): boolean {
  return fieldsIn(filter).every(([name, value]) => {
    if (name === '$expr') return addExpressionPaths(value, paths);
    if (name === '$comment') return true;
    if (LISTS.has(name)) return fieldsIn(value).every(([, one]) => addPaths(one, paths));
    if (name.startsWith('$')) return false;
    paths.add(name);
    return !asksOfPlace(value);
  });
}

/** Conditions that only an index answers stay where they are. */
function asksOfPlace(condition: RawValue): boolean {
  return condition.type === BSON_TYPE.object && fieldsIn(condition).some(([name]) => /^\$(near|geoNear)/.test(name));
}

function isPlain(filter: RawValue): boolean {
  return fieldsIn(filter).every(([name, value]) => {
    if (LISTS.has(name)) return fieldsIn(value).every(([, one]) => isPlain(one));
    return !name.startsWith('$');
  });
}

/** The filter with the first name of each path changed to what `names` says. */
export function renamed(filter: RawValue, names: ReadonlyMap<string, string>): RawValue {
  const writer = new BsonWriter().startDocument();
  writeRenamed(filter, names, writer);
  return rawObject(writer.endDocument().finish());
}

function writeRenamed(filter: RawValue, names: ReadonlyMap<string, string>, writer: BsonWriter): void {
  for (const [name, value] of fieldsIn(filter)) {
    if (!LISTS.has(name)) {
      const [first = '', ...rest] = name.split('.');
      writer.value([names.get(first) ?? first, ...rest].join('.'), value);
      continue;
    }
    writer.startArray(name);
    for (const [i, one] of fieldsIn(value)) {
      writer.startSubdocument(i);
      writeRenamed(one, names, writer);
      writer.end();
    }
    writer.end();
  }
}

/** The `$match` of all the filters together. */
export function matchOf(filters: readonly RawValue[]): StageSpec {
  const [only] = filters;
  if (filters.length === 1) return { name: '$match', operand: only };
  const list = new BsonWriter().startDocument();
  for (const [i, filter] of filters.entries()) list.value(i, filter);
  const writer = new BsonWriter().startDocument().value('$and', rawArray(list.endDocument().finish()));
  return { name: '$match', operand: rawObject(writer.endDocument().finish()) };
}
