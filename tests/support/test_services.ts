/** For tests: what dispatch needs around it, with replication that a test moves by hand and data that holds nothing. */
import type { Env } from '../../src/base/env.ts';
import type { CommandError } from '../../src/base/command_error.ts';
import type { Log, LogLine } from '../../src/base/log.ts';
import { MemoryFiles } from '../../src/base/memory_files.ts';
import { OPTIME_NULL, TIMESTAMP_MAX, TIMESTAMP_NULL, type OpTime, type Timestamp } from '../../src/base/optime.ts';
import { ms, unixMs } from '../../src/base/units.ts';
import { ClusterClock } from '../../src/database/cluster_clock.ts';
import type { MemberData } from '../../src/database/member_data.ts';
import { QueryCounters } from '../../src/database/query_counters.ts';
import { MEMBER_STATE, type MemberState } from '../../src/replication/member_state.ts';
import type { ReplicationService } from '../../src/commands/context.ts';
import type { Services } from '../../src/commands/exchange.ts';
import { OperationRegistry } from '../../src/commands/operation.ts';
import { ServerState } from '../../src/commands/server/server_state.ts';
import type { WriteConcern, WriteConcernOutcome } from '../../src/commands/concern/write_concern.ts';

export const PROCESS_ID = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);

/** A member's replication as far as dispatch asks; every field may be changed at any time. */
export class TestReplication {
  isReplicaSet = true;
  remainingQuiesceMs = undefined;
  defaultWriteConcern: WriteConcern = { w: 1, j: undefined, wtimeoutMs: 0, provenance: 'implicitDefault' };
  /** What write concerns other than w:1 come to. Undefined: they wait for ever. */
  outcome: WriteConcernOutcome | undefined = { kind: 'satisfied' };
  /** Why a demand can never be satisfied. */
  demandError: CommandError | undefined = undefined;
  readonly core = {
    isWritablePrimary: true,
    memberState: MEMBER_STATE.PRIMARY as MemberState,
    topologyCounter: 6,
    hello: ({ isLegacyName }: { isLegacyName: boolean }) => ({
      [isLegacyName ? 'ismaster' : 'isWritablePrimary']: this.core.isWritablePrimary,
      counter: this.core.topologyCounter,
    }),
    writeConcernError: () => this.demandError,
    replData: () => undefined,
    oplogQueryData: () => undefined,
  };
  #topologyWaiters: (() => void)[] = [];

  /** Raises the counter and wakes those who wait for it. */
  changeTopology(): void {
    this.core.topologyCounter += 1;
    const waiters = this.#topologyWaiters;
    this.#topologyWaiters = [];
    for (const wake of waiters) wake();
  }

  get waitingForTopology(): number {
    return this.#topologyWaiters.length;
  }

  awaitTopologyChange(): Promise<void> {
    return new Promise((resolve) => this.#topologyWaiters.push(resolve));
  }

  checkWriteConcern(): WriteConcernOutcome | undefined {
    return this.outcome;
  }

  awaitWriteConcern(): Promise<WriteConcernOutcome> {
    return new Promise(() => {});
  }

  awaitApplied(): Promise<void> {
    return new Promise(() => {});
  }

  awaitMajority(): Promise<void> {
    return new Promise(() => {});
  }
}

export interface TestServices extends Services {
  readonly test: {
    readonly replication: TestReplication;
    readonly lines: LogLine[];
    /** The oplog's last entry. */
    lastWritten: OpTime;
  };
}

/** @param env absent: a clock that stands still, and no network */
export function testServices(env: Env = stillEnv()): TestServices {
  const lines: LogLine[] = [];
  const log: Log = { write: (line) => lines.push(line) };
  const replication = new TestReplication();
  const test = { replication, lines, lastWritten: OPTIME_NULL };
  const clock = new ClusterClock(env.clock);
  const data = {
    clock,
    catalog: { find: () => undefined, collections: () => [], queries: new QueryCounters() },
    cursors: { all: () => [], timedOut: 0, totalOpened: 0 },
    sessions: { count: 0 },
    ttl: { deletedDocuments: 0, passes: 0 },
    writeLog: { isUnderWay: false, documents: { inserted: 0, updated: 0, deleted: 0 } },
    readTimestamp: TIMESTAMP_MAX,
    committedTimestamp: TIMESTAMP_NULL as Timestamp,
    oplog: {
      get lastWritten() {
        return test.lastWritten;
      },
      flush: () => {},
    },
  };
  return {
    env,
    log,
    data: data as unknown as MemberData,
    replication: replication as unknown as ReplicationService,
    server: new ServerState({ startedAt: ms(0), startedWall: unixMs(0), processId: PROCESS_ID }),
    operations: new OperationRegistry(),
    test,
  };
}

function stillEnv(): Env {
  const unused = (): never => {
    throw new Error('there is no network');
  };
  return {
    clock: { wall: () => unixMs(1_700_000_000_000), monotonic: () => ms(0) },
    timers: { after: () => () => {} },
    random: { uint32: () => 0, bytes: (length) => new Uint8Array(length) },
    files: new MemoryFiles(),
    network: { listen: unused, connect: unused },
    breathe: () => Promise.resolve(),
    endOfTurn: (callback) => queueMicrotask(callback),
  };
}
