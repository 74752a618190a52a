/**
 * Which collections and indexes there are.
 *
 * Every collection has an entry under its uuid in a table of the store. For replicated collections that table is
 * versioned like any other, so a rollback or a restart brings back the catalog of that moment without special code:
 * {@link Catalog.reload} reads it again. Collections of the database `local` have their entries in a second,
 * unreplicated table, which is the first table of the store and also names the other system tables.
 *
 * The objects in memory show the newest state. Tables are created and dropped at the timestamp of the entry that says
 * so; the store takes care that they exist for as long as some state on disk names them.
 */
import { invariant } from '../../base/invariant.ts';
import { TIMESTAMP_NULL, type Timestamp } from '../../base/optime.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { timestampFromRaw } from '../../bson/optime.ts';
import { numberOf, stringOf, isTruthy } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { Store } from '../../storage/store.ts';
import { tableIdOf, type Table, type TableId, type TableKind } from '../../storage/table.ts';
import { Collection } from './collection.ts';
import { hexOf, uuidText } from '../uuid.ts';
import { Index } from '../index/index.ts';
import type { IndexSpec } from '../index_kinds/index_kind.ts';
import { storedIndexSpec } from '../index/index_spec.ts';
import { MultikeyPaths } from '../index/multikey_paths.ts';
import { QueryCounters } from '../query_counters.ts';

/** What a new collection is made of. */
export interface CollectionDefinition {
  readonly ns: string;
  readonly uuid: Uint8Array;
  readonly options: Uint8Array;
}

const NS = fieldName('ns');
const OPTIONS = fieldName('options');
const DOCUMENTS = fieldName('documents');
const IDS = fieldName('ids');
const INDEXES = fieldName('indexes');
const SPEC = fieldName('spec');
const TABLE = fieldName('table');
const MULTIKEY = fieldName('multikey');
const READY_AT = fieldName('readyAt');
const CATALOG = fieldName('catalog');
const SESSIONS = fieldName('sessions');

/** The key of the record that names the system tables; uuids are longer. */
const ROOT_KEY = fieldName('root');

export class Catalog {
  /** What queries on all collections have cost. */
  readonly queries = new QueryCounters();
  readonly #store: Store;
  readonly #local: Table;
  #replicated: Table;
  #sessions: Table;
  readonly #byNs = new Map<string, Collection>();
  readonly #byUuid = new Map<string, Collection>();

  /** Opens the catalog of a store as of its checkpoint, or makes a new one in an empty store. */
  constructor(store: Store) {
    this.#store = store;
    const first = firstTable(store);
    this.#local = first ?? store.createTable({ kind: 'documents', replicated: false });
    const root = this.#local.get(ROOT_KEY);
    if (root === undefined) {
      this.#replicated = store.createTable({ kind: 'documents', replicated: true });
      this.#sessions = store.createTable({ kind: 'documents', replicated: true });
      this.#saveRoot();
    } else {
      this.#replicated = store.table(tableIdAt(root, CATALOG));
      this.#sessions = store.table(tableIdAt(root, SESSIONS));
    }
    this.#load(this.#local);
    this.#load(this.#replicated);
    this.#dropOrphans();
  }

  /** One record per logical session, as `config.transactions` shows them. */
  get sessions(): Table {
    return this.#sessions;
  }

  find(ns: string): Collection | undefined {
    return this.#byNs.get(ns);
  }

  /** By the hexadecimal digits of the uuid. */
  findUuid(key: string): Collection | undefined {
    return this.#byUuid.get(key);
  }

  /** In no particular order. */
  collections(): Iterable<Collection> {
    return this.#byNs.values();
  }

  collectionsOf(db: string): Collection[] {
    const found: Collection[] = [];
    for (const collection of this.#byNs.values()) if (collection.db === db) found.push(collection);
    return found;
  }

  create(definition: CollectionDefinition, at: Timestamp): Collection {
    invariant(!this.#byNs.has(definition.ns), () => `${definition.ns} is not there yet`);
    invariant(!this.#byUuid.has(hexOf(definition.uuid)), 'no collection has that uuid');
    const collection = new Collection({
      ...definition,
      documents: this.#createTable('documents', definition.ns, at),
      ids: this.#createTable('index', definition.ns, at),
      indexes: [],
      queries: this.queries,
    });
    this.#register(collection);
    this.#save(collection, at);
    return collection;
  }

  drop(collection: Collection, at: Timestamp): void {
    this.#unregister(collection);
    this.#tableOf(collection).remove(collection.uuid, at);
    for (const table of tablesOf(collection)) this.#store.dropTable(table.id, at);
    for (const index of collection.maintained) {
      if (!collection.indexes.includes(index)) this.#store.dropTable(index.table.id, at);
    }
    collection.markGone(`collection dropped. UUID ${uuidText(collection.uuid)}`);
  }

  /** The object given is dead afterwards; its successor has the same tables, and maybe other options. */
  rename(collection: Collection, ns: string, at: Timestamp, options = collection.options): Collection {
    invariant(!this.#byNs.has(ns), () => `${ns} is free`);
    this.#unregister(collection);
    const renamed = new Collection({
      ns,
      uuid: collection.uuid,
      options,
      documents: collection.documents,
      ids: collection.ids,
      indexes: collection.indexes,
      queries: this.queries,
    });
    invariant(renamed.isReplicated === collection.isReplicated, 'a rename stays on its side of replication');
    this.#register(renamed);
    this.#save(renamed, at);
    const uuid = uuidText(collection.uuid);
    collection.markGone(`collection renamed from '${collection.ns}' to '${ns}'. UUID ${uuid}`);
    return renamed;
  }

  /** Replaces all options of a collection; its documents stay as they are. */
  setOptions(collection: Collection, options: Uint8Array, at: Timestamp): void {
    invariant(this.#byNs.get(collection.ns) === collection, 'the collection is there');
    collection.setOptions(options);
    this.#save(collection, at);
  }

  /** Puts another spec in the place of an index's: the same keys, under other rules. */
  replaceSpec(collection: Collection, index: Index, spec: IndexSpec, at: Timestamp): void {
    invariant(collection.indexes.includes(index), 'the index belongs to the collection');
    const state = { multikey: index.multikey, readyAt: index.readyAt };
    const replacement = new Index(spec, index.table, state);
    collection.setIndexes(collection.indexes.map((other) => (other === index ? replacement : other)));
    this.#save(collection, at);
  }

  /** Makes the empty table and the object of an index; see {@link addIndex}. */
  newIndex(collection: Collection, spec: IndexSpec, at: Timestamp): Index {
    const table = this.#createTable('index', collection.ns, at);
    return new Index(spec, table, { multikey: new MultikeyPaths(spec.fields.length), readyAt: at });
  }

  /** The index is complete as of `at` and may be read from now on. */
  addIndex(collection: Collection, index: Index, at: Timestamp): void {
    invariant(collection.index(index.spec.name) === undefined, 'index names are unique in a collection');
    collection.setIndexes([...collection.indexes, index]);
    this.#save(collection, at);
  }

  removeIndex(collection: Collection, index: Index, at: Timestamp): void {
    invariant(collection.indexes.includes(index), 'the index belongs to the collection');
    collection.setIndexes(collection.indexes.filter((other) => other !== index));
    index.markGone(`query plan killed :: index '${index.spec.name}' dropped`);
    this.#save(collection, at);
    this.#store.dropTable(index.table.id, at);
  }

  /** An index that never was added: its table goes with the next checkpoint. */
  discardIndex(index: Index): void {
    if (this.#store.hasTable(index.table.id)) this.#store.dropTable(index.table.id);
  }

  /** Records that an index became multikey, at the write that made it so. */
  saveMultikey(collection: Collection, at: Timestamp): void {
    this.#save(collection, at);
  }

  /** After the store went back to an earlier state: every object of a replicated collection is replaced. */
  reload(reason: string): void {
    for (const collection of [...this.#byNs.values()]) {
      if (!collection.isReplicated) continue;
      this.#unregister(collection);
      collection.markGone(reason);
    }
    this.#load(this.#replicated);
    this.#dropOrphans();
  }

  /** Forgets all replicated data, and with it every timestamp it was written at. */
  clear(): void {
    for (const collection of [...this.#byNs.values()]) {
      if (!collection.isReplicated) continue;
      this.#unregister(collection);
      collection.markGone(`collection dropped. UUID ${uuidText(collection.uuid)}`);
      for (const table of tablesOf(collection)) this.#store.dropTable(table.id);
    }
    this.#store.dropTable(this.#replicated.id);
    this.#store.dropTable(this.#sessions.id);
    this.#replicated = this.#store.createTable({ kind: 'documents', replicated: true });
    this.#sessions = this.#store.createTable({ kind: 'documents', replicated: true });
    this.#saveRoot();
  }

  #createTable(kind: TableKind, ns: string, at: Timestamp): Table {
    const replicated = isReplicatedNs(ns);
    return this.#store.createTable({ kind, replicated, at: replicated ? at : TIMESTAMP_NULL });
  }

  #tableOf(collection: Collection): Table {
    return collection.isReplicated ? this.#replicated : this.#local;
  }

  #register(collection: Collection): void {
    this.#byNs.set(collection.ns, collection);
    this.#byUuid.set(collection.key, collection);
  }

  #unregister(collection: Collection): void {
    this.#byNs.delete(collection.ns);
    this.#byUuid.delete(collection.key);
  }

  #save(collection: Collection, at: Timestamp): void {
    const writer = new BsonWriter().startDocument();
    writer.string(NS, collection.ns).document(OPTIONS, collection.options);
    writer.int64(DOCUMENTS, collection.documents.id).int64(IDS, collection.ids.id);
    writer.startArray(INDEXES);
    for (const [i, index] of collection.indexes.entries()) {
      writer.startSubdocument(i).document(SPEC, index.spec.document).int64(TABLE, index.table.id);
      writer.bool(MULTIKEY, index.isMultikey);
      index.multikey.write(writer);
      writer.timestamp(READY_AT, index.readyAt).end();
    }
    const entry = writer.end().endDocument().finish();
    this.#tableOf(collection).put(collection.uuid, entry, collection.isReplicated ? at : TIMESTAMP_NULL);
  }

  #saveRoot(): void {
    const writer = new BsonWriter().startDocument();
    writer.int64(CATALOG, this.#replicated.id).int64(SESSIONS, this.#sessions.id);
    this.#local.put(ROOT_KEY, writer.endDocument().finish(), TIMESTAMP_NULL);
  }

  #load(table: Table): void {
    const cursor = table.cursor();
    while (cursor.next()) {
      if (cursor.keyEnd === 16) this.#register(this.#read(cursor.key, cursor.value.slice()));
    }
  }

  #read(uuid: Uint8Array, entry: Uint8Array): Collection {
    const ns = findField(entry, NS);
    const options = findField(entry, OPTIONS);
    const list = findField(entry, INDEXES);
    invariant(ns !== undefined && options !== undefined && list !== undefined, 'a catalog entry is complete');
    const indexes: Index[] = [];
    const items = new ElementReader(entry, list.start);
    while (items.next()) indexes.push(this.#readIndex(entry, items.start));
    return new Collection({
      ns: stringOf(ns),
      uuid,
      options: options.bytes.slice(options.start, options.end),
      documents: this.#store.table(tableIdAt(entry, DOCUMENTS)),
      ids: this.#store.table(tableIdAt(entry, IDS)),
      indexes,
      queries: this.queries,
    });
  }

  #readIndex(entry: Uint8Array, at: number): Index {
    const spec = findField(entry, SPEC, at);
    const multikey = findField(entry, MULTIKEY, at);
    const readyAt = findField(entry, READY_AT, at);
    invariant(spec !== undefined && multikey !== undefined && readyAt !== undefined, 'an index entry is complete');
    const document = spec.bytes.slice(spec.start, spec.end);
    const table = this.#store.table(tableIdAt(entry, TABLE, at));
    const parsed = storedIndexSpec(document);
    const paths = MultikeyPaths.read(entry, at, { fields: parsed.fields.length, isMultikey: isTruthy(multikey) });
    return new Index(parsed, table, { multikey: paths, readyAt: timestampFromRaw(readyAt) });
  }

  /**
   * Tables that no entry names, as an index build leaves them when the process dies. Those that an entry of the oplog dropped
   * are named on disk still, until the checkpoint that passes the drop.
   */
  #dropOrphans(): void {
    const used = new Set<TableId>([this.#local.id, this.#replicated.id, this.#sessions.id]);
    for (const collection of this.#byNs.values()) {
      for (const table of tablesOf(collection)) used.add(table.id);
    }
    for (const { id } of [...this.#store.tables()]) {
      if (!used.has(id) && !this.#store.isLeaving(id)) this.#store.dropTable(id);
    }
  }
}

function tablesOf(collection: Collection): Table[] {
  return [collection.documents, collection.ids, ...collection.indexes.map((index) => index.table)];
}

function firstTable(store: Store): Table | undefined {
  let first: Table | undefined;
  for (const table of store.tables()) if (first === undefined || table.id < first.id) first = table;
  return first;
}

function tableIdAt(document: Uint8Array, name: Uint8Array, at = 0): TableId {
  const value = findField(document, name, at);
  invariant(value !== undefined, 'the table is named');
  return tableIdOf(numberOf(value));
}

/** Collections of `local` belong to one member alone. */
export function isReplicatedNs(ns: string): boolean {
  return !ns.startsWith('local.');
}
