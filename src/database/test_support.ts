/** A member's data over memory, for tests: built in one line, restarted, crashed, and asked in decoded documents. */
import { manualEnv, type ManualEnv } from '../../tests/support/manual_env.ts';
import { NO_LOG } from '../base/log.ts';
import { MemoryFiles } from '../base/memory_files.ts';
import { termOf, TIMESTAMP_MAX, type OpTime, type Timestamp } from '../base/optime.ts';
import { decodePlain, encodeDocument } from '../bson/codec.ts';
import { rawObject } from '../bson/value.ts';
import { Oplog } from '../oplog/oplog.ts';
import { compileFilter } from '../query/matcher.ts';
import { compileSort } from '../query/sort.ts';
import { compileUpdate } from '../query/update.ts';
import { Journal } from '../storage/journal.ts';
import { MemoryBaseStore } from '../storage/memory_base_store.ts';
import { Store } from '../storage/store.ts';
import { ClusterClock } from './cluster_clock.ts';
import type { Collection } from './catalog/collection.ts';
import { DeleteRun } from './run/delete_run.ts';
import { insertableDocument } from './insertable.ts';
import { parseIndexSpec } from './index/index_spec_parse.ts';
import { MemberData } from './member_data.ts';
import { openFind } from './run/running_query.ts';
import type { RetryableSession } from './sessions.ts';
import { Turn } from './turn.ts';
import { UpdateRun } from './run/update_run.ts';
import { createCollection, createEmptyIndex } from './write/write_catalog.ts';
import { insertDocument } from './write/write_documents.ts';

const fail = (error: unknown): never => {
  throw error instanceof Error ? error : new Error(String(error));
};

type Plain = Record<string, unknown>;

export class TestData {
  readonly env: ManualEnv;
  readonly files: MemoryFiles;
  readonly base: MemoryBaseStore;
  data: MemberData;
  store: Store;
  oplog: Oplog;
  #journal: Journal;

  /** A writable primary in term 1, empty. */
  static async open(): Promise<TestData> {
    const env = manualEnv();
    env.advance(1_700_000_000_000);
    const files = new MemoryFiles();
    const base = new MemoryBaseStore();
    return new TestData({ env, files, base }, await openParts({ env, files, base }));
  }

  private constructor(machine: Machine, parts: Parts) {
    this.env = machine.env;
    this.files = machine.files;
    this.base = machine.base;
    this.data = parts.data;
    this.store = parts.store;
    this.oplog = parts.oplog;
    this.#journal = parts.journal;
  }

  /** Closes without a checkpoint and opens again: what the journal holds is applied. */
  async restart(): Promise<void> {
    await this.#journal.close();
    const parts = await openParts(this);
    this.data = parts.data;
    this.store = parts.store;
    this.oplog = parts.oplog;
    this.#journal = parts.journal;
  }

  /** Makes everything written so far stable and moves it to the base store. */
  async checkpoint(): Promise<OpTime> {
    const optime = this.oplog.lastWritten;
    await this.oplog.durableAt(optime);
    this.store.setStable(optime);
    await this.store.checkpoint();
    return optime;
  }

  collection(ns: string): Collection {
    return this.data.catalog.find(ns) ?? createCollection(this.data, ns);
  }

  insert(ns: string, document: Plain, session?: RetryableSession, statement = 0): void {
    const bytes = insertableDocument(encodeDocument(document), 0, this.data);
    const logged = session === undefined ? undefined : { session, id: statement };
    insertDocument(this.data, this.collection(ns), bytes, { statement: logged });
  }

  update(
    ns: string,
    q: Plain,
    u: Plain,
    options: { readonly isMulti?: boolean; readonly isUpsert?: boolean } = {},
  ): UpdateRun {
    const spec = {
      filter: compileFilter(encodeDocument(q)),
      update: compileUpdate(rawObject(encodeDocument(u))),
      isMulti: options.isMulti === true,
      isUpsert: options.isUpsert === true,
      hint: undefined,
      sort: undefined,
      statement: undefined,
      image: undefined,
    };
    const run = new UpdateRun(this.data, ns, spec, new Turn(this.env.clock));
    run.advance();
    return run;
  }

  delete(ns: string, q: Plain, isMulti = false): number {
    const filter = compileFilter(encodeDocument(q));
    const spec = { filter, isMulti, hint: undefined, sort: undefined, statement: undefined, image: undefined };
    const run = new DeleteRun(this.data, ns, spec, new Turn(this.env.clock));
    run.advance();
    return run.deleted;
  }

  index(ns: string, key: Plain, options: Plain = {}): void {
    const name = Object.entries(key).flat().join('_');
    const spec = parseIndexSpec(encodeDocument({ key, name, ...options }), 0, undefined);
    createEmptyIndex(this.data, this.collection(ns), spec);
  }

  /** The documents a find returns, decoded to plain values. */
  find(ns: string, q: Plain = {}, options: { readonly sort?: Plain; readonly at?: Timestamp } = {}): Plain[] {
    const collection = this.data.catalog.find(ns);
    if (collection === undefined) return [];
    const query = openFind({
      collection,
      filter: compileFilter(encodeDocument(q)),
      sort: options.sort === undefined ? undefined : compileSort(encodeDocument(options.sort)),
      hint: undefined,
      projection: undefined,
      skip: 0,
      limit: Infinity,
      at: options.at ?? TIMESTAMP_MAX,
      turn: new Turn(this.env.clock),
    });
    const found: Plain[] = [];
    for (let next = query.source.next(); next !== undefined; next = query.source.next()) {
      if (typeof next !== 'symbol') found.push(decodePlain(next));
    }
    return found;
  }

  /** All entries of the oplog as they are. */
  entries(after?: Timestamp): Uint8Array[] {
    const reader = this.oplog.reader(after === undefined ? {} : { after });
    const entries: Uint8Array[] = [];
    for (let entry = reader.next(); entry !== undefined; entry = reader.next()) entries.push(entry);
    return entries;
  }
}

interface Machine {
  readonly env: ManualEnv;
  readonly files: MemoryFiles;
  readonly base: MemoryBaseStore;
}

interface Parts {
  readonly data: MemberData;
  readonly store: Store;
  readonly oplog: Oplog;
  readonly journal: Journal;
}

async function openParts({ env: time, files, base }: Machine): Promise<Parts> {
  const env = { ...time, files: files.process() };
  const journal = await Journal.open({
    env,
    log: NO_LOG,
    directory: 'journal',
    segmentSizeBytes: 2 ** 20,
    onFailure: fail,
  });
  const oplog = await Oplog.open({ env, log: NO_LOG, journal });
  const store = await Store.open({ base, env, log: NO_LOG, onFailure: fail });
  const clock = new ClusterClock(env.clock);
  const data = await MemberData.open({ env, log: NO_LOG, store, oplog, clock });
  await data.recover();
  data.term = termOf(Math.max(1, oplog.lastWritten.t));
  data.acceptsWrites = true;
  return { data, store, oplog, journal };
}
