/** One collection in memory: its tables, its indexes, and what a record is. */
import { invariant } from '../../base/invariant.ts';
import type { Timestamp } from '../../base/optime.ts';
import { KeyWriter } from '../../bson/key.ts';
import type { ValueSpan } from '../../bson/types.ts';
import { EqualityKeys } from '../../query/collation/equality_keys.ts';
import { isSameCollation, type Collation } from '../../query/collation.ts';
import type { CompiledFilter } from '../../query/matcher.ts';
import type { Table } from '../../storage/table.ts';
import { hasIrregularIds } from '../index/collated_duplicates.ts';
import { readCollectionOptions, type CappedLimits } from './collection_options.ts';
import type { Index } from '../index/index.ts';
import { PlanCache } from '../planner/plan_cache.ts';
import { QueryCounters } from '../query_counters.ts';
import { RECORD_ID_BYTES, recordIdBytes, recordIdOf } from '../record_id.ts';
import { hexOf } from '../uuid.ts';
import { Validator } from './validator.ts';

export interface CollectionParts {
  readonly ns: string;
  /** 16 bytes. */
  readonly uuid: Uint8Array;
  /** The options given to `create`, a whole document. */
  readonly options: Uint8Array;
  readonly documents: Table;
  readonly ids: Table;
  readonly indexes: readonly Index[];
  /** Those of all collections together. */
  readonly queries: QueryCounters;
}

/**
 * Documents lie in `documents` under their record ids; `ids` leads from the key of `_id` to the record id. Both tables
 * always have the same number of entries.
 */
export class Collection {
  /** A rename makes another object. */
  readonly ns: string;
  readonly db: string;
  readonly uuid: Uint8Array;
  /** The uuid as hexadecimal digits, for maps. */
  readonly key: string;
  readonly documents: Table;
  readonly ids: Table;
  /** Queries that read the index on `_id` since the process began; looking up single documents does not count. */
  idIndexUses = 0;
  /** What queries on this collection have cost, and on all. */
  readonly queries: { readonly own: QueryCounters; readonly all: QueryCounters };
  /** Of a capped collection: no document lies at or below it. Saves walking over what was removed lately. */
  oldestHint: Uint8Array | undefined;
  /** Whether writes are logged. */
  readonly isReplicated: boolean;
  /** Which plans won, until the indexes change. */
  readonly plans = new PlanCache();
  /** Rises when the indexes or the options change: queries may have to be planned in other ways then. */
  generation = 0;
  #options: Uint8Array;
  #capped: CappedLimits | undefined;
  #validator: Validator | undefined;
  #clusteredIndex: Uint8Array | undefined;
  #equality: EqualityKeys | undefined;
  #indexes: readonly Index[];
  #maintained: readonly Index[];
  #nextRecordId: number;
  /** Why cursors over it die: set when it is dropped or renamed. */
  #gone: string | undefined;
  readonly #idWriter = new KeyWriter();

  constructor(parts: CollectionParts) {
    invariant(parts.uuid.length === 16, 'a uuid has 16 bytes');
    this.uuid = parts.uuid;
    this.queries = { own: new QueryCounters(), all: parts.queries };
    this.key = hexOf(parts.uuid);
    this.#options = parts.options;
    this.documents = parts.documents;
    this.ids = parts.ids;
    this.isReplicated = parts.documents.options.replicated;
    this.ns = parts.ns;
    this.db = databaseOf(parts.ns);
    this.#indexes = parts.indexes;
    this.#maintained = parts.indexes;
    const last = parts.documents.lastKey();
    this.#nextRecordId = last === undefined ? 1 : recordIdOf(last) + 1;
    this.setOptions(parts.options);
  }

  get name(): string {
    return this.ns.slice(this.db.length + 1);
  }

  /** As `listCollections` shows them, a whole document. */
  get options(): Uint8Array {
    return this.#options;
  }

  /** Undefined for collections that only grow. */
  get capped(): CappedLimits | undefined {
    return this.#capped;
  }

  /** What documents are checked against before they are written. */
  get validator(): Validator | undefined {
    return this.#validator;
  }

  /** `{v, key, name, unique}` of a collection whose natural order is that of `_id`. */
  get clusteredIndex(): Uint8Array | undefined {
    return this.#clusteredIndex;
  }

  /** The order of strings where an operation names none; undefined: by their bytes. */
  get collation(): Collation | undefined {
    return this.#equality?.collation;
  }

  /** How strings in `_id` are listed under the collation. */
  get equality(): EqualityKeys | undefined {
    return this.#equality;
  }

  /** Without the one on `_id`; in the order of creation. */
  get indexes(): readonly Index[] {
    return this.#indexes;
  }

  /** What a write has to keep up: the indexes, and those being built. */
  get maintained(): readonly Index[] {
    return this.#maintained;
  }

  /** Why it is not there any more, as cursors tell it; undefined while it is. */
  get gone(): string | undefined {
    return this.#gone;
  }

  /** The number of documents in the newest state. */
  get count(): number {
    return this.documents.count;
  }

  /** Bytes of all documents in the newest state. */
  get dataSizeBytes(): number {
    return this.documents.sizeBytes - this.documents.count * RECORD_ID_BYTES;
  }

  index(name: string): Index | undefined {
    return this.#indexes.find((index) => index.spec.name === name);
  }

  /** Only the catalog changes a collection's options. */
  setOptions(options: Uint8Array): void {
    const { capped, validator, clusteredIndex, collation } = readCollectionOptions(options);
    this.generation += 1;
    this.#options = options;
    this.#capped = capped;
    this.#validator = validator === undefined ? undefined : new Validator(validator);
    this.#clusteredIndex = clusteredIndex;
    this.#equality = collation === undefined ? undefined : new EqualityKeys(collation);
  }

  /** Only the catalog changes a collection's shape. */
  setIndexes(indexes: readonly Index[]): void {
    const building = this.#maintained.filter((index) => !this.#indexes.includes(index) && !indexes.includes(index));
    this.#indexes = indexes;
    this.plans.clear();
    this.generation += 1;
    this.#maintained = [...indexes, ...building];
  }

  /** From now on writes keep up `index`, which nobody reads yet. */
  startBuilding(index: Index): void {
    this.#maintained = [...this.#maintained, index];
  }

  stopBuilding(index: Index): void {
    this.#maintained = this.#maintained.filter((other) => other !== index);
  }

  markGone(reason: string): void {
    this.#gone ??= reason;
  }

  /** Reserves the record id of a document that is about to be inserted. */
  takeRecordId(): Uint8Array {
    const id = recordIdBytes(this.#nextRecordId);
    this.#nextRecordId += 1;
    return id;
  }

  idKey(id: ValueSpan): Uint8Array {
    return this.#idWriter
      .reset()
      .append(this.#equality?.of(id) ?? id)
      .finish();
  }

  /** As {@link idKey}, for looking up at once: overwritten by the next call of either. */
  idKeyView(id: ValueSpan): Uint8Array {
    return this.#idWriter
      .reset()
      .append(this.#equality?.of(id) ?? id)
      .view();
  }

  /**
   * The `_id` that every match of the filter has, if there is one such and it can be looked up by its key. The matcher
   * still decides.
   */
  pointId({ idEquality, collatedId }: CompiledFilter, at: Timestamp): ValueSpan | undefined {
    const equality = this.#equality;
    if (idEquality !== undefined || equality === undefined || collatedId === undefined) return idEquality;
    if (!isSameCollation(collatedId.collation, equality.collation)) return undefined;
    if (equality.regular(collatedId.value) === undefined || hasIrregularIds(this, at)) return undefined;
    return collatedId.value;
  }

  /** A query walks through it whole. */
  countScan(): void {
    this.queries.own.collectionScans += 1;
    this.queries.all.collectionScans += 1;
  }

  /** The record id of the document with that `_id` key. */
  recordOf(idKey: Uint8Array, at: Timestamp): Uint8Array | undefined {
    return this.ids.get(idKey, at);
  }

  /** The document at a record id. */
  documentAt(recordId: Uint8Array, at: Timestamp): Uint8Array | undefined {
    return this.documents.get(recordId, at);
  }
}

/** The database of a namespace. */
export function databaseOf(ns: string): string {
  const dot = ns.indexOf('.');
  invariant(dot > 0, () => `${ns} is a namespace`);
  return ns.slice(0, dot);
}
