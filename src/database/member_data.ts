/**
 * One member's data: what is in its collections, how it is changed and how it is read.
 *
 * The concepts: the *catalog* (`catalog.ts`) knows the collections; a *collection* (`collection.ts`) is a table of
 * documents under record ids, a table from `_id` to record id, and its secondary indexes (`index.ts`). A *write* of a
 * primary (`write_documents.ts`) is one synchronous function: checks, a timestamp, an entry in the oplog
 * (`write_log.ts`), changes of the tables at that timestamp. Everybody else *applies* the entries (`apply_entry.ts`),
 * which is safe to repeat. A *query* is planned (`plan.ts`), scanned (`scan.ts`) and pulled through (`running_query.ts`);
 * what does not fit one reply stays in a *cursor* (`cursors.ts`). *Sessions* (`sessions.ts`) recognise repeated writes.
 *
 * Life of an insert: the command finds the collection (or creates it), `insertableDocument` checks the document,
 * `insertDocument` refuses a duplicate, logs the entry and puts the record and its keys; the command's reply then waits
 * for the write concern. On the other members `applyBatch` gets the entry and puts the same document.
 *
 * Everything is versioned by timestamp in the store, so a reader at `readTimestamp` never sees half a batch, `majority`
 * reads take `committedTimestamp`, and a rollback drops the versions above the common point.
 *
 * Not done: transactions.
 */
import type { Env } from '../base/env.ts';
import { invariant } from '../base/invariant.ts';
import type { Log } from '../base/log.ts';
import {
  formatOpTime,
  isNullOpTime,
  OPTIME_NULL,
  TIMESTAMP_MAX,
  TIMESTAMP_NULL,
  type OpTime,
  type Term,
  type Timestamp,
} from '../base/optime.ts';
import { CommandError } from '../base/command_error.ts';
import { DataError } from '../base/data_error.ts';
import { newObjectId } from '../bson/object_id.ts';
import type { Oplog } from '../oplog/oplog.ts';
import type { CompiledFilter } from '../query/matcher.ts';
import type { UpdateContext } from '../query/update.ts';
import type { Store } from '../storage/store.ts';
import { EntryApplier, type ApplyMode } from './write/apply_entry.ts';
import { Catalog } from './catalog/catalog.ts';
import { CollectionClone, SessionsClone, type CloneRequest, type CloneTarget } from './clone.ts';
import type { ClusterClock } from './cluster_clock.ts';
import { CursorRegistry } from './run/cursors.ts';
import { PreparedQueries } from './prepared/prepared_queries.ts';
import type { Collection } from './catalog/collection.ts';
import { hashCollections, type DataHash } from './hash.ts';
import { BUILD_LIMITS, buildAlone, type BuildLimits } from './run/index_build.ts';
import type { Generators } from './insertable.ts';
import { saveAffected, type SaveRemoved } from './rollback.ts';
import { SessionStore } from './sessions.ts';
import { SpillFolder } from '../query/spill/spill_file.ts';
import { Turn } from './turn.ts';
import type { WriteTarget } from './write/write_documents.ts';
import { WriteLog } from './write/write_log.ts';

export interface MemberDataOptions {
  readonly env: Env;
  readonly log: Log;
  readonly store: Store;
  readonly oplog: Oplog;
  readonly clock: ClusterClock;
  /** Default BUILD_LIMITS. */
  readonly buildLimits?: BuildLimits | undefined;
}

/** Entries read from the oplog at a time by {@link MemberData.recover}. */
const RECOVERY_BATCH_ENTRIES = 1000;

/** Beside the journal. */
const TEMPORARY_FOLDER = 'temporary';

/** The sessions' records, shown as a collection though they are none. */
export const TRANSACTIONS_NS = 'config.transactions';

export class MemberData implements WriteTarget, Generators {
  readonly env: Env;
  readonly log: Log;
  readonly store: Store;
  readonly oplog: Oplog;
  readonly clock: ClusterClock;
  readonly catalog: Catalog;
  readonly sessions: SessionStore;
  readonly cursors: CursorRegistry;
  readonly prepared = new PreparedQueries();
  readonly writeLog: WriteLog;
  /** What TTL indexes did since the process began. */
  readonly ttl = { passes: 0, deletedDocuments: 0 };
  readonly buildLimits: BuildLimits;
  /** Temporary files of queries. */
  readonly spill: SpillFolder;
  /** Read-only documents of local system collections such as `local.system.replset`; set by the member. */
  localDocuments: (ns: string) => readonly Uint8Array[] | undefined = () => undefined;
  /** Names (with 'local.') of the collections that {@link localDocuments} answers for. */
  localCollections: () => readonly string[] = () => [];
  readonly #applier: EntryApplier;
  readonly #idRandom: Uint8Array;
  readonly #watchers = new Set<() => void>();
  #idCounter: number;
  #readTimestamp: Timestamp = TIMESTAMP_MAX;
  #committedTimestamp: Timestamp = TIMESTAMP_NULL;
  #commitPoint: OpTime = OPTIME_NULL;

  /** Loads the catalog as of the checkpoint; see {@link recover} for what came after it. */
  static async open(options: MemberDataOptions): Promise<MemberData> {
    return new MemberData(options);
  }

  private constructor(options: MemberDataOptions) {
    const { env, store, oplog, clock } = options;
    this.env = env;
    this.log = options.log;
    this.store = store;
    this.oplog = oplog;
    this.clock = clock;
    this.buildLimits = options.buildLimits ?? BUILD_LIMITS;
    this.catalog = new Catalog(store);
    this.sessions = new SessionStore(() => this.catalog.sessions, oplog);
    this.cursors = new CursorRegistry(env);
    this.spill = new SpillFolder(env.files, TEMPORARY_FOLDER);
    this.spill.clear();
    this.writeLog = new WriteLog({ clock: env.clock, clusterClock: clock, oplog, sessions: this.sessions });
    const { catalog, sessions } = this;
    this.#applier = new EntryApplier({
      catalog,
      sessions,
      oplog,
      buildIndexes: (collection, specs, at) => buildAlone(this, collection, specs, at),
    });
    this.#idRandom = env.random.bytes(5);
    this.#idCounter = env.random.uint32() & 0xff_ffff;
    oplog.onAppend(() => this.#wake());
  }

  /** The term new entries are written in; set by the member before writes are allowed. */
  get term(): Term {
    return this.writeLog.term;
  }

  set term(term: Term) {
    this.writeLog.term = term;
  }

  /** Whether clients' writes to replicated collections are taken; set by the member, refused with 10107 otherwise. */
  get acceptsWrites(): boolean {
    return this.writeLog.acceptsWrites;
  }

  set acceptsWrites(accepts: boolean) {
    this.writeLog.acceptsWrites = accepts;
  }

  /** What `local` reads see: TIMESTAMP_MAX on a primary, the end of the last applied batch on others. Set by the member. */
  get readTimestamp(): Timestamp {
    return this.#readTimestamp;
  }

  set readTimestamp(at: Timestamp) {
    if (at === this.#readTimestamp) return;
    this.#readTimestamp = at;
    this.#wake();
  }

  /** What `majority` reads see; TIMESTAMP_NULL while there is nothing. Set by the member as the commit point moves. */
  get committedTimestamp(): Timestamp {
    return this.#committedTimestamp;
  }

  set committedTimestamp(at: Timestamp) {
    this.#committedTimestamp = at;
  }

  /** The commit point as this member knows it; set by the member. Waiting readers of the oplog are woken by it. */
  get commitPoint(): OpTime {
    return this.#commitPoint;
  }

  set commitPoint(optime: OpTime) {
    this.#commitPoint = optime;
    this.#wake();
  }

  /** As setting `commitPoint`, without waking: whoever is told of the next entry learns it with that. */
  noteCommitPoint(optime: OpTime): void {
    this.#commitPoint = optime;
  }

  /** Wakes waiting readers of the oplog. */
  wakeReaders(): void {
    this.#wake();
  }

  /** Calls back when there may be more to read from the oplog, or the commit point moved. */
  watch(callback: () => void): () => void {
    this.#watchers.add(callback);
    return () => this.#watchers.delete(callback);
  }

  #wake(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  objectId(): Uint8Array {
    this.#idCounter = (this.#idCounter + 1) & 0xff_ffff;
    return newObjectId(this.#idRandom, Math.floor(this.env.clock.wall() / 1000), this.#idCounter);
  }

  timestamp(): Timestamp {
    return this.clock.tick();
  }

  /** What updates of one statement need from outside. */
  updateContext(filter: CompiledFilter | undefined, keepsEmptyTimestamps = false): UpdateContext {
    return {
      keepsEmptyTimestamps,
      now: this.env.clock.wall(),
      timestamp: () => this.timestamp(),
      objectId: () => this.objectId(),
      filter,
    };
  }

  /** Where majority reads read. */
  majorityTimestamp(): Timestamp {
    const { ts } = this.store.checkpointed;
    return this.#committedTimestamp > ts ? this.#committedTimestamp : ts;
  }

  /** Logs a no-op with the current term. `o` is a whole document. */
  appendNoop(o: Uint8Array): OpTime {
    return this.writeLog.noop(o);
  }

  /** Applies what the oplog holds after the checkpoint; returns the optime reached. Rejects with DataError. */
  async recover(): Promise<OpTime> {
    const { checkpointed } = this.store;
    const { lastWritten } = this.oplog;
    checkReach(this.oplog, checkpointed);
    const reader = this.oplog.reader({ after: checkpointed.ts });
    let count = 0;
    for (;;) {
      const batch: Uint8Array[] = [];
      let entry = reader.next();
      while (entry !== undefined) {
        batch.push(entry);
        if (batch.length >= RECOVERY_BATCH_ENTRIES) break;
        entry = reader.next();
      }
      if (batch.length === 0) break;
      await this.applyBatch(batch, 'recovery');
      count += batch.length;
    }
    this.clock.advance(lastWritten.ts);
    this.log.write({
      severity: 'I',
      component: 'RECOVERY',
      id: 21_536,
      context: 'initandlisten',
      message: 'Completed oplog application for recovery',
      attributes: { numOpsApplied: count, checkpoint: formatOpTime(checkpointed), top: formatOpTime(lastWritten) },
    });
    return lastWritten;
  }

  /**
   * Applies entries in order. Appending them to the oplog is the caller's duty, before this when large transactions are
   * among them. They become visible when the caller raises {@link readTimestamp}. Yields inside big batches.
   * Rejects when an entry cannot be applied: the data can then not be trusted and the member must stop.
   */
  async applyBatch(entries: readonly Uint8Array[], mode: ApplyMode): Promise<void> {
    const turn = new Turn(this.env.clock);
    this.#applier.forget();
    for (const entry of entries) {
      const waiting = this.#applier.apply(entry, mode);
      if (waiting !== undefined) await waiting;
      if (!turn.isOver()) continue;
      await this.env.breathe();
      turn.restart();
    }
  }

  /**
   * Takes back all that is newer than `commonPoint`: hands the affected documents to `saveRemoved`, kills cursors,
   * cuts the oplog durably, drops the versions, and reads the catalog again. The caller has persisted the new rollback
   * id, and nothing writes or applies meanwhile.
   */
  async rollBackTo(commonPoint: OpTime, saveRemoved: SaveRemoved): Promise<void> {
    invariant(!this.acceptsWrites, 'a member that takes writes does not roll back');
    invariant(commonPoint.ts >= this.store.checkpointed.ts, 'the checkpoint is never rolled back');
    await saveAffected(this.oplog, this.catalog, commonPoint, saveRemoved);
    this.cursors.killAll(new CommandError('QueryPlanKilled', 'the member rolled back'));
    await this.oplog.truncateAfter(commonPoint);
    this.store.dropVersionsAfter(commonPoint.ts);
    this.catalog.reload('the member rolled back');
    this.sessions.forget();
    this.#applier.forget();
    invariant(this.oplog.lastWritten.ts === commonPoint.ts, 'the oplog ends at the common point');
  }

  /** Drops all replicated data (before an initial sync). The oplog is the caller's. */
  async clearAll(): Promise<void> {
    this.cursors.killAll(new CommandError('QueryPlanKilled', 'the member is synchronised anew'));
    this.catalog.clear();
    this.sessions.forget();
    this.#applier.forget();
  }

  /**
   * Starts copying one collection, bypassing the oplog. `config.transactions` fills the session table. Its versions can
   * be checkpointed at once; entries applied afterwards carry later timestamps.
   */
  cloneCollection(request: CloneRequest): CloneTarget {
    if (request.ns === TRANSACTIONS_NS) return new SessionsClone(this.sessions);
    return new CollectionClone(this, request);
  }

  /** Hashes all replicated collections at the read timestamp. Yields. */
  hash(): Promise<DataHash> {
    const collections = [...this.catalog.collections()].filter((collection) => collection.isReplicated);
    return this.hashOf(collections, () => {});
  }

  /** As {@link hash}, of some collections; `check` may throw to give up. */
  hashOf(collections: readonly Collection[], check: () => void): Promise<DataHash> {
    return hashCollections(this.env, collections, this.#readTimestamp, check);
  }
}

/** Throws DataError when the oplog does not go on where the checkpoint ends: files of one of the two are missing. */
function checkReach({ oldest, lastWritten }: Oplog, checkpointed: OpTime): void {
  if (isNullOpTime(checkpointed)) return;
  const isReached = oldest !== undefined && oldest.ts <= checkpointed.ts && lastWritten.ts >= checkpointed.ts;
  if (isReached) return;
  const extent =
    oldest === undefined ? 'is empty' : `reaches from ${formatOpTime(oldest)} to ${formatOpTime(lastWritten)}`;
  throw new DataError('damage', `the journal ${extent}, but the base store is at ${formatOpTime(checkpointed)}`);
}
