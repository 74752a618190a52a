/** Whether collections and their indexes agree with each other: what must hold after any crash, rollback or copy. */
import type { Env } from '../base/env.ts';
import { CommandError } from '../base/command_error.ts';
import { TIMESTAMP_MAX, type Timestamp } from '../base/optime.ts';
import { equalBytes } from '../bson/bytes.ts';
import { validateDocument } from '../bson/validate.ts';
import type { Table } from '../storage/table.ts';
import type { Collection } from './catalog/collection.ts';
import type { Index } from './index/index.ts';
import { idOf } from './insertable.ts';
import type { MemberData } from './member_data.ts';
import { RECORD_ID_BYTES } from './record_id.ts';
import { Turn } from './turn.ts';
import { hexOf } from './uuid.ts';

export interface CheckResult {
  readonly records: number;
  /** Entries per index, by its name. */
  readonly keys: Readonly<Record<string, number>>;
  /** Documents that are no valid BSON. */
  readonly invalid: number;
  /** Documents that the collection's validator would refuse. */
  readonly nonCompliant: number;
  /** One sentence each; empty when all is well. */
  readonly problems: readonly string[];
}

/** Problems are listed up to this many: one cause makes thousands. */
const PROBLEMS_MAX = 50;

export interface CheckOptions {
  /** A timestamp that is pinned. Default: the newest state, and nothing may write meanwhile. */
  readonly at?: Timestamp;
  /** May throw to give up. */
  readonly pause?: () => void;
}

/** Reads everything. Yields. */
export async function checkCollection(
  env: Env,
  collection: Collection,
  { at = TIMESTAMP_MAX, pause = () => {} }: CheckOptions = {},
): Promise<CheckResult> {
  const check = new CollectionCheck(collection, at);
  const turn = new Turn(env.clock);
  for (const step of check.steps()) {
    if (check.problems.length >= PROBLEMS_MAX) break;
    if (!turn.isOver() || !step) continue;
    await env.breathe();
    pause();
    turn.restart();
  }
  const { records, keys, problems, invalid, nonCompliant } = check;
  return { records, keys, problems, invalid, nonCompliant };
}

/** Problems of all collections, one sentence each. */
export async function checkData(data: Pick<MemberData, 'env' | 'catalog'>): Promise<string[]> {
  const problems: string[] = [];
  for (const collection of [...data.catalog.collections()]) {
    problems.push(...(await checkCollection(data.env, collection)).problems);
  }
  return problems;
}

class CollectionCheck {
  readonly #collection: Collection;
  readonly #at: Timestamp;
  /** Those that can be read at the timestamp. */
  readonly #indexes: readonly Index[];
  readonly problems: string[] = [];
  readonly keys: Record<string, number> = {};
  records = 0;
  invalid = 0;
  nonCompliant = 0;

  constructor(collection: Collection, at: Timestamp) {
    this.#collection = collection;
    this.#at = at;
    this.#indexes = collection.indexes.filter(({ readyAt }) => readyAt <= at);
  }

  /** Yields after every record and every key. */
  *steps(): Generator<true> {
    yield* this.#documents();
    yield* this.#ids();
    for (const index of this.#indexes) yield* this.#index(index);
    this.#count('documents', this.#collection.documents, this.records);
    this.#count('_id_', this.#collection.ids, this.keys['_id_']);
  }

  #problem(text: string): void {
    this.problems.push(`${this.#collection.ns}: ${text}`);
  }

  #count(name: string, table: Table, found: number): void {
    // What tables count is the newest state.
    if (this.#at === TIMESTAMP_MAX && table.count !== found)
      this.#problem(`${name} counts ${table.count} entries and has ${found}`);
  }

  /** Every document is found by its _id and has its keys in every index. */
  *#documents(): Generator<true> {
    const { documents, ids, validator } = this.#collection;
    const cursor = documents.cursor({ at: this.#at });
    while (cursor.next()) {
      const recordId = cursor.key;
      const document = cursor.value;
      this.records += 1;
      if (!isValid(document)) {
        this.invalid += 1;
        this.#problem(`record ${hexOf(recordId)} is no valid document`);
        continue;
      }
      if (validator?.matches(document) === false) this.nonCompliant += 1;
      const listed = ids.get(this.#collection.idKey(idOf(document)), this.#at);
      if (listed === undefined) this.#problem(`the _id of record ${hexOf(recordId)} is not listed`);
      else if (!equalBytes(listed, recordId)) {
        this.#problem(`the _id of record ${hexOf(recordId)} leads to record ${hexOf(listed)}`);
      }
      for (const index of this.#indexes) this.#entriesOf(index, document, recordId);
      yield true;
    }
  }

  #entriesOf(index: Index, document: Uint8Array, recordId: Uint8Array): void {
    const found = index.entriesOf(document, recordId);
    const { name } = index.spec;
    if (index.multikey.lacks(found)) this.#problem(`index ${name} holds an array and is not marked as multikey`);
    for (const entry of found.keys) {
      if (!index.table.has(entry, this.#at)) this.#problem(`index ${name} lacks a key of record ${hexOf(recordId)}`);
    }
  }

  /** Every listed _id leads to a document that has it. */
  *#ids(): Generator<true> {
    const cursor = this.#collection.ids.cursor({ at: this.#at });
    let count = 0;
    while (cursor.next()) {
      count += 1;
      const document = this.#collection.documentAt(cursor.value, this.#at);
      if (document === undefined)
        this.#problem(`a listed _id leads to record ${hexOf(cursor.value)}, which is not there`);
      else if (!equalBytes(this.#collection.idKey(idOf(document)), cursor.key)) {
        this.#problem(`record ${hexOf(cursor.value)} is listed under the _id of another`);
      }
      yield true;
    }
    this.keys['_id_'] = count;
  }

  /** Every key belongs to a document that has it. */
  *#index(index: Index): Generator<true> {
    const { name } = index.spec;
    const cursor = index.table.cursor({ at: this.#at });
    let count = 0;
    while (cursor.next()) {
      count += 1;
      const entry = cursor.key;
      const recordId = entry.slice(entry.length - RECORD_ID_BYTES);
      const document = this.#collection.documentAt(recordId, this.#at);
      if (document === undefined)
        this.#problem(`index ${name} has a key of record ${hexOf(recordId)}, which is not there`);
      else if (!index.entriesOf(document, recordId).keys.some((key) => equalBytes(key, entry))) {
        this.#problem(`index ${name} has a key that record ${hexOf(recordId)} does not have`);
      }
      yield true;
    }
    this.keys[name] = count;
    this.#count(name, index.table, count);
  }
}

function isValid(document: Uint8Array): boolean {
  try {
    validateDocument(document);
    return true;
  } catch (error) {
    if (error instanceof CommandError) return false;
    throw error;
  }
}
