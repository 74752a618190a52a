/** Applying the commands of the oplog: what creates, renames and drops collections and indexes. */
import { CommandError } from '../../base/command_error.ts';
import type { Timestamp } from '../../base/optime.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { isTruthy, maybeStringOf, stringOf } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { EntryView } from '../../oplog/entry.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { applyCollMod } from './coll_mod.ts';
import { databaseOf, type Collection } from '../catalog/collection.ts';
import type { IndexSpec } from '../index_kinds/index_kind.ts';
import { isIdKey, storedIndexSpec } from '../index/index_spec.ts';
import { permanentOptions } from '../catalog/temporary.ts';
import { hexOf } from '../uuid.ts';

export interface CommandTarget {
  readonly catalog: Catalog;
  /** Fills new indexes from all documents and adds them to the catalog at the timestamp given. */
  buildIndexes(collection: Collection, specs: readonly IndexSpec[], at: Timestamp): Promise<void> | undefined;
}

const INDEX = fieldName('index');
const INDEXES = fieldName('indexes');
const TO = fieldName('to');
const STAY_TEMP = fieldName('stayTemp');
const DROP_TARGET = fieldName('dropTarget');

/** Undefined when done at once. Throws for commands that are not known: the member must not pass over them. */
export function applyCommand(target: CommandTarget, view: EntryView, at: Timestamp): Promise<void> | undefined {
  const o = view.documentAt(view.oAt);
  const reader = new ElementReader(o);
  if (o === undefined || !reader.next()) throw new CommandError('BadValue', 'a command entry names no command');
  const name = reader.name();
  const argument = maybeStringOf(reader) ?? '';
  const db = databaseOf(view.ns());
  switch (name) {
    case 'create':
      return done(() => applyCreate(target, view, `${db}.${argument}`, at));
    case 'drop':
      return done(() => applyDrop(target, collectionOf(target, view, `${db}.${argument}`), at));
    case 'dropDatabase':
      return done(() => applyDropDatabase(target, db, at));
    case 'collMod':
      return done(() => applyChange(target, collectionOf(target, view, `${db}.${argument}`), o, at));
    case 'renameCollection':
      return done(() => applyRename(target, view, argument, at));
    case 'createIndexes':
      return applyCreateIndex(target, view, `${db}.${argument}`, at);
    case 'commitIndexBuild':
      return applyCommitIndexBuild(target, view, `${db}.${argument}`, at);
    case 'startIndexBuild':
    case 'abortIndexBuild':
      // The index comes into being with the commit.
      return undefined;
    case 'dropIndexes':
    case 'deleteIndexes':
      return done(() => applyDropIndex(target, collectionOf(target, view, `${db}.${argument}`), view, at));
    default:
      throw new CommandError('OplogOperationUnsupported', `cannot apply the command ${name} on ${view.ns()}`);
  }
}

function done(action: () => void): undefined {
  action();
}

/** By the uuid of the entry; an entry without one means the namespace. */
function collectionOf(target: CommandTarget, view: EntryView, ns: string): Collection | undefined {
  const ui = view.ui();
  return ui === undefined ? target.catalog.find(ns) : target.catalog.findUuid(hexOf(ui));
}

function applyCreate(target: CommandTarget, view: EntryView, ns: string, at: Timestamp): void {
  const ui = view.ui();
  if (ui === undefined) throw new CommandError('BadValue', `the entry that creates ${ns} has no uuid`);
  const key = hexOf(ui);
  if (target.catalog.findUuid(key) !== undefined) return;
  const other = target.catalog.find(ns);
  // A later entry renames or drops the other one: until then it makes room.
  if (other !== undefined) target.catalog.rename(other, `${other.db}.tmp${key.slice(0, 5)}.create`, at);
  target.catalog.create({ ns, uuid: ui.slice(), options: optionsOf(view) }, at);
}

/** What `create` carries besides the name and the index on `_id`. */
function optionsOf(view: EntryView): Uint8Array {
  const writer = new BsonWriter().startDocument();
  const reader = new ElementReader(view.bytes, view.oAt);
  reader.next();
  while (reader.next()) {
    const name = reader.name();
    if (name !== 'idIndex' && name !== 'autoIndexId') writer.element(view.bytes, reader.elementStart, reader.end);
  }
  return writer.endDocument().finish();
}

function applyDrop(target: CommandTarget, collection: Collection | undefined, at: Timestamp): void {
  if (collection !== undefined) target.catalog.drop(collection, at);
}

function applyChange(target: CommandTarget, collection: Collection | undefined, o: Uint8Array, at: Timestamp): void {
  if (collection !== undefined) applyCollMod(target.catalog, collection, o, at);
}

function applyDropDatabase(target: CommandTarget, db: string, at: Timestamp): void {
  for (const collection of target.catalog.collectionsOf(db)) target.catalog.drop(collection, at);
}

function applyRename(target: CommandTarget, view: EntryView, from: string, at: Timestamp): void {
  const to = findField(view.bytes, TO, view.oAt);
  if (to === undefined || to.type !== BSON_TYPE.string) throw new CommandError('BadValue', 'a rename has no target');
  const ns = stringOf(to);
  const source = collectionOf(target, view, from);
  const dropTarget = findField(view.bytes, DROP_TARGET, view.oAt);
  if (dropTarget !== undefined && dropTarget.type === BSON_TYPE.binData) {
    const key = hexOf(dropTarget.bytes, dropTarget.start + 5, dropTarget.end);
    applyDrop(target, target.catalog.findUuid(key), at);
  }
  if (source === undefined || source.ns === ns) return;
  const occupant = target.catalog.find(ns);
  if (occupant !== undefined) {
    target.catalog.rename(occupant, `${occupant.db}.tmp${source.key.slice(0, 5)}.rename`, at);
  }
  const stayTemp = findField(view.bytes, STAY_TEMP, view.oAt);
  const staysTemporary = stayTemp !== undefined && isTruthy(stayTemp);
  target.catalog.rename(source, ns, at, staysTemporary ? source.options : permanentOptions(source.options));
}

function applyCreateIndex(
  target: CommandTarget,
  view: EntryView,
  ns: string,
  at: Timestamp,
): Promise<void> | undefined {
  const collection = collectionOf(target, view, ns);
  if (collection === undefined) return undefined;
  const writer = new BsonWriter().startDocument();
  const reader = new ElementReader(view.bytes, view.oAt);
  reader.next();
  while (reader.next()) writer.element(view.bytes, reader.elementStart, reader.end);
  return addIndexes(target, collection, [storedIndexSpec(writer.endDocument().finish())], at);
}

/** Those that are there already stay: an entry may be applied twice. */
function addIndexes(
  target: CommandTarget,
  collection: Collection,
  specs: readonly IndexSpec[],
  at: Timestamp,
): Promise<void> | undefined {
  const missing = specs.filter((spec) => !isIdKey(spec.key) && collection.index(spec.name) === undefined);
  return missing.length === 0 ? undefined : target.buildIndexes(collection, missing, at);
}

function applyCommitIndexBuild(
  target: CommandTarget,
  view: EntryView,
  ns: string,
  at: Timestamp,
): Promise<void> | undefined {
  const collection = collectionOf(target, view, ns);
  const list = findField(view.bytes, INDEXES, view.oAt);
  if (collection === undefined || list === undefined) return undefined;
  const specs: IndexSpec[] = [];
  const items = new ElementReader(list.bytes, list.start);
  while (items.next()) specs.push(storedIndexSpec(items.bytes.slice(items.start, items.end)));
  return addIndexes(target, collection, specs, at);
}

function applyDropIndex(
  target: CommandTarget,
  collection: Collection | undefined,
  view: EntryView,
  at: Timestamp,
): void {
  const name = findField(view.bytes, INDEX, view.oAt);
  if (collection === undefined || name === undefined || name.type !== BSON_TYPE.string) return;
  const index = collection.index(stringOf(name));
  if (index !== undefined) target.catalog.removeIndex(collection, index, at);
}
