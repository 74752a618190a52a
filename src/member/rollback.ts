/**
 * Rollback: this member wrote entries that never reached a majority, and the set went on without them. The oplog is
 * cut after the last entry it has in common with the source, and the data goes back to it. What is taken away is kept
 * as files under `rollback/`.
 *
 * Nothing that a majority acknowledged may be taken back: a common point before the commit point stops the member.
 * Source: the manual, "Rollbacks During Replica Set Failover".
 */
import { CommandError } from '../base/command_error.ts';
import type { Env } from '../base/env.ts';
import { invariant } from '../base/invariant.ts';
import type { Log } from '../base/log.ts';
import { compareOpTimes, formatOpTime, laterOpTime, type OpTime } from '../base/optime.ts';
import type { Oplog } from '../oplog/oplog.ts';
import { MEMBER_STATE } from '../replication/member_state.ts';
import type { MemberData } from '../database/member_data.ts';
import type { SaveRemoved } from '../database/rollback.ts';
import { findCommonPoint, type BackwardReader } from './common_point.ts';
import { entryOf, readCursor } from './oplog_batch.ts';
import type { LocalState } from './local_state.ts';
import type { Peers } from './peers.ts';
import type { ReplicationHandle } from './replication_handle.ts';
import { runOn } from './source_queries.ts';

export interface RollbackOptions {
  readonly env: Env;
  readonly log: Log;
  readonly data: MemberData;
  readonly localState: LocalState;
  readonly peers: Peers;
  readonly replication: ReplicationHandle;
  /** Resolves when everything written to the oplog is applied. */
  readonly applierIdle: () => Promise<void>;
  /** What readers may see is this now; the positions to report are equal to it. */
  readonly onRolledBack: (commonPoint: OpTime) => void;
}

/** What would have to be taken back is older than this member's data: a new start copies all of it again. */
export class ResyncNeededError extends Error {
  override get name(): string {
    return 'ResyncNeededError';
  }
}

/**
 * Rolls back to where our oplog and the source's part. The member is in ROLLBACK already. Rejects with CommandError or
 * NetworkError when the source failed before anything was changed (another attempt may follow); after the first
 * change every failure is final.
 */
export async function rollBack(options: RollbackOptions, source: string): Promise<void> {
  const { data, replication, localState, log } = options;
  await options.applierIdle();
  invariant(replication.core.memberState === MEMBER_STATE.ROLLBACK, 'the rollback was announced');
  const before = data.oplog.lastWritten;
  const found = await findCommonPoint(new LocalBackward(data.oplog), new RemoteBackward(options.peers, source));
  if (found.kind === 'beforeTheirOldest') return await giveUpOn(source, options);
  const commonPoint = found.optime;
  note(log, 21_607, 'Rollback common point', {
    commonPoint: formatOpTime(commonPoint),
    lastWritten: formatOpTime(before),
  });
  const committed = replication.core.commitPoint.optime;
  // A commit point that is newer than our whole oplog is on the other branch and says nothing about ours.
  const isOurs = compareOpTimes(committed, before) <= 0;
  invariant(
    !isOurs || compareOpTimes(commonPoint, committed) >= 0,
    () => `rollback to ${formatOpTime(commonPoint)} would take back what is committed up to ${formatOpTime(committed)}`,
  );
  if (found.kind === 'beforeOurOldest' || compareOpTimes(commonPoint, localState.values.initialDataOpTime) < 0) {
    return await resync(localState, commonPoint, 'the rollback goes behind the last initial sync');
  }
  const rollbackId = localState.values.rollbackId + 1;
  await localState.update({ rollbackId });
  note(log, 21_532, 'Incremented the rollback ID', { rbid: rollbackId });
  await data.rollBackTo(commonPoint, rollbackFiles(options.env, log));
  invariant(compareOpTimes(data.oplog.lastWritten, commonPoint) === 0, 'the oplog ends at the common point');
  options.onRolledBack(commonPoint);
  note(log, 21_612, 'Rollback summary', {
    syncSource: source,
    rbid: rollbackId,
    lastOptimeRolledBack: formatOpTime(before),
    commonPoint: formatOpTime(commonPoint),
  });
}

/**
 * The source's oplog does not go back to where ours and its part. Another one's may; when the primary has dropped those
 * entries as well, only a new copy of the data helps. Which of our entries the others have is not known then, so all of
 * them count as promised.
 */
async function giveUpOn(source: string, { replication, localState, data }: RollbackOptions): Promise<void> {
  const reason = `the oplog of ${source} does not go back to where ours and its part`;
  if (source !== replication.core.primary) throw new CommandError('OplogStartMissing', reason);
  await resync(localState, data.oplog.lastWritten, reason);
}

/** Ends the member: when it is started again it copies all data. It goes on voting as if it had the entries up to `kept`. */
async function resync(localState: LocalState, kept: OpTime, reason: string): Promise<never> {
  await localState.update({ initialSyncRunning: true, promised: laterOpTime(localState.values.promised, kept) });
  throw new ResyncNeededError(`${reason}: start the member again, it then copies all data anew`);
}

class LocalBackward implements BackwardReader {
  readonly #reader: { next(): Uint8Array | undefined };

  constructor(oplog: Oplog) {
    this.#reader = oplog.reader({ reverse: true });
  }

  next(): OpTime | undefined {
    const entry = this.#reader.next();
    return entry === undefined ? undefined : entryOf(entry).optime;
  }
}

const PAGE_SIZE = 1000;

class RemoteBackward implements BackwardReader {
  readonly #peers: Peers;
  readonly #source: string;
  #page: readonly Uint8Array[] = [];
  #at = 0;
  #cursorId: bigint | undefined;

  constructor(peers: Peers, source: string) {
    this.#peers = peers;
    this.#source = source;
  }

  async next(): Promise<OpTime | undefined> {
    while (this.#at === this.#page.length) {
      if (this.#cursorId === 0n) return undefined;
      const command =
        this.#cursorId === undefined
          ? { find: 'oplog.rs', sort: { $natural: -1 }, projection: { ts: 1, t: 1 }, batchSize: PAGE_SIZE }
          : { getMore: this.#cursorId, collection: 'oplog.rs', batchSize: PAGE_SIZE };
      const { cursorId, documents } = readCursor(await runOn(this.#peers, this.#source, 'local', command));
      this.#cursorId = cursorId;
      this.#page = documents;
      this.#at = 0;
    }
    const entry = this.#page[this.#at];
    this.#at += 1;
    return entry === undefined ? undefined : entryOf(entry).optime;
  }
}

/** Writes `rollback/<uuid>/removed.<time>.<n>.bson`, documents back to back, as `bsondump` reads them. */
function rollbackFiles(env: Env, log: Log): SaveRemoved {
  let number = 0;
  return async (ns, uuid, documents) => {
    if (documents.length === 0) return;
    const folder = `rollback/${formatUuid(uuid)}`;
    const time = new Date(env.clock.wall()).toISOString().slice(0, 19).replaceAll(':', '-');
    const path = `${folder}/removed.${time}.${number}.bson`;
    number += 1;
    env.files.makeDirectory(folder);
    const file = env.files.open(path);
    try {
      let at = 0;
      for (const document of documents) {
        file.write(document, at);
        at += document.length;
      }
      await file.sync();
    } finally {
      file.close();
    }
    await env.files.syncDirectory(folder);
    note(log, 21_609, 'Preparing to write deleted documents to a rollback file', { namespace: ns, file: path });
  };
}

/** 8-4-4-4-12 hexadecimal digits. */
export function formatUuid(uuid: Uint8Array): string {
  const hex = Array.from(uuid, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function note(log: Log, id: number, message: string, attributes: Readonly<Record<string, unknown>>): void {
  log.write({ severity: 'I', component: 'ROLLBACK', id, context: 'BackgroundSync', message, attributes });
}
