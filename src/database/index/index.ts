/** One secondary index of a collection: a table of `key + record id`, without values. */
import type { CommandError } from '../../base/command_error.ts';
import type { Timestamp } from '../../base/optime.ts';
import { compareBytes, equalBytes, fieldName } from '../../bson/bytes.ts';
import { findField } from '../../bson/elements.ts';
import type { RawValue } from '../../bson/value.ts';
import type { Table } from '../../storage/table.ts';
import { hasCollatedDuplicate, type RecordSource } from './collated_duplicates.ts';
import { duplicateKeyError } from './duplicate_key.ts';
import { NO_KEYS, type Extraction, type KeyGenerator, type SingleKey } from './index_key.ts';
import { wildcardPathsOf } from '../index_kinds/wildcard.ts';
import type { IndexSpec } from '../index_kinds/index_kind.ts';
import type { MultikeyPaths } from './multikey_paths.ts';
import { RECORD_ID_BYTES } from '../record_id.ts';

/** Entries have a value only where their keys do not tell the exact values of the document: it has to be asked. */
export const NO_VALUE = new Uint8Array(0);
export const LOSSY = Uint8Array.of(1);

/** What stands behind the keys of a document. */
export function entryValueOf({ isLossy }: { readonly isLossy?: boolean }): Uint8Array {
  return isLossy === true ? LOSSY : NO_VALUE;
}
const PREPARE_UNIQUE = fieldName('prepareUnique');

/** What one write changes in one index: worked out and checked before anything is written. */
export interface IndexChange {
  readonly add: readonly Uint8Array[];
  readonly remove: readonly Uint8Array[];
  /** What was found in the document that makes the index multikey, or multikey in more paths than before. */
  readonly arrays: Extraction | undefined;
  /** Of the entries to be added. */
  readonly isLossy?: boolean;
}

const NO_CHANGE: IndexChange = { add: [], remove: [], arrays: undefined };

export class Index {
  readonly spec: IndexSpec;
  readonly table: Table;
  /** Which paths led to arrays. Never goes back except by rollback. */
  readonly multikey: MultikeyPaths;
  /** Reads at an older timestamp must not use it: it may lack what there was before it was built. */
  readonly readyAt: Timestamp;
  /** Queries that read it since the process began, for `$indexStats`. */
  uses = 0;
  /** Whether writes check it: that of the spec, except in the first phase of a build. */
  enforcesUnique: boolean;
  #gone: string | undefined;
  readonly #generator: KeyGenerator;

  constructor(spec: IndexSpec, table: Table, state: { readonly multikey: MultikeyPaths; readonly readyAt: Timestamp }) {
    this.spec = spec;
    this.table = table;
    this.multikey = state.multikey;
    this.readyAt = state.readyAt;
    this.enforcesUnique = spec.isUnique || isPreparedUnique(spec);
    this.#generator = spec.kind.generator(spec);
  }

  /** Some document gave more than one key, or could have. */
  get isMultikey(): boolean {
    return this.multikey.isMultikey;
  }

  /** Why cursors over it die; undefined while it is there. */
  get gone(): string | undefined {
    return this.#gone;
  }

  /** Of a wildcard index: whether it lists what is at `path`. */
  listsPath(path: string): boolean {
    return this.spec.kind.name === 'wildcard' && wildcardPathsOf(this.spec).includes(path);
  }

  markGone(reason: string): void {
    this.#gone = reason;
  }

  /** The same index, complete: what a build becomes with its commit. */
  readyFrom(at: Timestamp): Index {
    return new Index(this.spec, this.table, { multikey: this.multikey, readyAt: at });
  }

  /** The entries a document has in the table: keys with `recordId` behind each. */
  entriesOf(document: Uint8Array, recordId: Uint8Array): Extraction {
    const filter = this.spec.partialFilter;
    if (filter !== undefined && !filter.matcher.matches(document, 0)) return NO_KEYS;
    return this.#generator.extract(document, recordId);
  }

  /** As the generator's: the key of a document that is sure to have just one; it stands at `at` of larger bytes. */
  singleKey(bytes: Uint8Array, at: number): SingleKey | undefined {
    return this.spec.partialFilter === undefined ? this.#generator.singleKey?.(bytes, at) : undefined;
  }

  /** The values behind one of the entries of a document. */
  valuesOf(document: Uint8Array, entry: Uint8Array): readonly RawValue[] {
    return this.#generator.valuesOf(document, entry.slice(entry.length - RECORD_ID_BYTES), entry);
  }

  /** What inserting `document` changes. */
  insertion(document: Uint8Array, recordId: Uint8Array): IndexChange {
    const found = this.entriesOf(document, recordId);
    const arrays = this.multikey.lacks(found) ? found : undefined;
    return { add: found.keys, remove: NO_CHANGE.remove, arrays, isLossy: found.isLossy === true };
  }

  removal(document: Uint8Array, recordId: Uint8Array): IndexChange {
    return { add: NO_CHANGE.add, remove: this.entriesOf(document, recordId).keys, arrays: undefined };
  }

  replacement(before: Uint8Array, after: Uint8Array, recordId: Uint8Array): IndexChange {
    const old = this.entriesOf(before, recordId);
    const next = this.entriesOf(after, recordId);
    const arrays = this.multikey.lacks(next) ? next : undefined;
    const isLossy = next.isLossy === true;
    if (isLossy !== (old.isLossy === true)) {
      return { add: next.keys, remove: without(old.keys, next.keys), arrays, isLossy };
    }
    if (old.keys.length === 1 && next.keys.length === 1 && equalBytes(old.keys[0], next.keys[0])) {
      return arrays === undefined ? NO_CHANGE : { ...NO_CHANGE, arrays };
    }
    return { add: without(next.keys, old.keys), remove: without(old.keys, next.keys), arrays, isLossy };
  }

  /** Throws DuplicateKey when another record has one of the keys to be added. */
  checkUnique(change: IndexChange, document: Uint8Array, collection: RecordSource & { readonly ns: string }): void {
    for (const entry of change.add) {
      if (this.findOther(entry) !== undefined || hasCollatedDuplicate(this, entry, document, collection)) {
        throw this.duplicate(entry, document, collection.ns);
      }
    }
  }

  /** The error that says that `entry`, which `document` has, is there already. */
  duplicate(entry: Uint8Array, document: Uint8Array, ns: string): CommandError {
    return duplicateKeyError(ns, this.spec, this.valuesOf(document, entry));
  }

  /** The record id of another record that has the key of `entry`. */
  findOther(entry: Uint8Array): Uint8Array | undefined {
    const keyLength = entry.length - RECORD_ID_BYTES;
    const cursor = this.table.cursor({ from: entry.subarray(0, keyLength) });
    while (cursor.next()) {
      if (cursor.keyEnd !== entry.length || !startsWith(cursor.keyBytes, entry, keyLength)) return undefined;
      const other = cursor.keyBytes.slice(keyLength, entry.length);
      if (!equalBytes(other, entry.subarray(keyLength))) return other;
    }
    return undefined;
  }

  apply(change: IndexChange, at: Timestamp): void {
    for (const entry of change.remove) this.table.remove(entry, at);
    const value = entryValueOf(change);
    for (const entry of change.add) this.table.put(entry, value, at);
    if (change.arrays !== undefined) this.multikey.add(change.arrays);
  }
}

/** New duplicates are refused already, while old ones may still be there: a step on the way to a unique index. */
export function isPreparedUnique({ document }: IndexSpec): boolean {
  return findField(document, PREPARE_UNIQUE) !== undefined;
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[i] !== prefix[i]) return false;
  return true;
}

/** Both are sorted, without repetition. */
function without(entries: readonly Uint8Array[], others: readonly Uint8Array[]): readonly Uint8Array[] {
  if (others.length === 0) return entries;
  let at = 0;
  return entries.filter((entry) => {
    while (at < others.length && compareBytes(others[at], entry) < 0) at += 1;
    return at === others.length || !equalBytes(others[at], entry);
  });
}
