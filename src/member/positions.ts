/**
 * How far this member is in the oplog, and what follows from that and from the commit point: what readers see, and how
 * far checkpoints may go.
 *
 * A primary has applied what it has written; every other member has applied what its applier says. Nothing is readable
 * by majority, and nothing stable, before the end of the last initial sync: the copy has no older states.
 */
import { compareOpTimes, TIMESTAMP_MAX, type OpTime } from '../base/optime.ts';
import type { MemberData } from '../database/member_data.ts';
import type { ReplicationCore } from '../replication/core.ts';
import type { Position, Progress } from '../replication/progress.ts';
import type { LocalState } from './local_state.ts';

export class Positions {
  readonly #core: ReplicationCore;
  readonly #data: MemberData;
  readonly #localState: LocalState;
  /** What readers see on a member that is not primary. */
  #applied: Position;
  #isPrimary = false;

  constructor(options: { readonly core: ReplicationCore; readonly data: MemberData; readonly localState: LocalState }) {
    this.#core = options.core;
    this.#data = options.data;
    this.#localState = options.localState;
    const { oplog } = this.#data;
    this.#applied = { optime: oplog.lastWritten, wall: oplog.lastWrittenWall };
    this.#data.readTimestamp = this.#applied.optime.ts;
  }

  /** Whether this member's own writes are visible as soon as they are written. */
  get isPrimary(): boolean {
    return this.#isPrimary;
  }

  get progress(): Progress {
    const { oplog } = this.#data;
    const written: Position = { optime: oplog.lastWritten, wall: oplog.lastWrittenWall };
    const applied = this.#isPrimary ? written : this.#applied;
    return { written, applied, durable: { optime: oplog.lastDurable, wall: oplog.lastDurableWall } };
  }

  get applied(): OpTime {
    return this.#isPrimary ? this.#data.oplog.lastWritten : this.#applied.optime;
  }

  /** Readers may see everything up to there now. */
  setApplied(position: Position): void {
    this.#applied = position;
    if (!this.#isPrimary) this.#data.readTimestamp = position.optime.ts;
  }

  becomePrimary(): void {
    this.#isPrimary = true;
    this.#data.readTimestamp = TIMESTAMP_MAX;
  }

  becomeFollower(): void {
    if (!this.#isPrimary) return;
    const { applied } = this.progress;
    this.#isPrimary = false;
    this.setApplied(applied);
  }

  /** Follows the commit point as far as this member is. Returns whether majority reads see more than before. */
  moveCommitted(): boolean {
    const seen = earlier(this.#core.commitPoint.optime, this.applied);
    if (!this.#isReachable(seen) || seen.ts <= this.#data.committedTimestamp) return false;
    this.#data.committedTimestamp = seen.ts;
    return true;
  }

  /** Lets checkpoints include what can neither roll back nor be lost by this member's own crash. */
  moveStable(): void {
    const committed = earlier(this.#core.commitPoint.optime, this.applied);
    const stable = earlier(committed, this.#data.oplog.lastDurable);
    if (this.#isReachable(stable)) this.#data.store.setStable(stable);
  }

  #isReachable(optime: OpTime): boolean {
    return compareOpTimes(optime, this.#localState.values.initialDataOpTime) >= 0;
  }
}

function earlier(a: OpTime, b: OpTime): OpTime {
  return compareOpTimes(a, b) <= 0 ? a : b;
}
