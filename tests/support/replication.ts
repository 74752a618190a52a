/** Builders for tests of replication. */
import { termOf, timestampOf, type OpTime, OPTIME_NULL } from '../../src/base/optime.ts';
import { ms, unixMs, type Ms } from '../../src/base/units.ts';
import type { ReplSetConfig } from '../../src/replication/config.ts';
import { parseConfig } from '../../src/replication/config_parse.ts';
import { ReplicationCore } from '../../src/replication/core.ts';
import type { Effect } from '../../src/replication/effect.ts';
import type { InputBody } from '../../src/replication/input.ts';
import type { HeartbeatReply } from '../../src/replication/messages.ts';
import { PROGRESS_NULL, type Position, type Progress } from '../../src/replication/progress.ts';

export function optime(term: number, seconds: number): OpTime {
  return { ts: timestampOf(seconds, 1), t: termOf(term) };
}

export function at(term: number, seconds: number): Position {
  return { optime: optime(term, seconds), wall: unixMs(seconds * 1000) };
}

/** All three positions, durable somewhere else if given. */
export function progressAt(applied: Position, durable: Position = applied): Progress {
  return { written: applied, applied, durable };
}

export function hostOf(index: number): string {
  return `m${index + 1}:27017`;
}

/** A config of members m1, m2, …; `changes` are merged into each member's document, `top` into the config's. */
export function configOf(
  changes: readonly Readonly<Record<string, unknown>>[],
  top: Readonly<Record<string, unknown>> = {},
): ReplSetConfig {
  const members = changes.map((change, index) => ({ _id: index, host: hostOf(index), ...change }));
  return parseConfig({ _id: 'rs0', version: 1, term: 1, members, ...top });
}

/** A core that thinks it is member 0, with the time it was last given. */
export class TestCore {
  readonly core: ReplicationCore;
  now: Ms = ms(1000);

  constructor(options: { readonly self?: string; readonly random?: () => number } = {}) {
    const self = options.self ?? hostOf(0);
    this.core = new ReplicationCore({
      setName: 'rs0',
      processId: '0'.repeat(24),
      isSelf: (host) => host === self,
      random: options.random ?? (() => 0),
    });
  }

  step(input: InputBody): readonly Effect[] {
    return this.core.step({ ...input, now: this.now, wall: unixMs(1_700_000_000_000 + this.now) });
  }

  /** Starts as a member with data. */
  startWith(
    config: ReplSetConfig | undefined,
    progress: Progress = progressAt(at(1, 5)),
    promised: OpTime = OPTIME_NULL,
  ): readonly Effect[] {
    const needsInitialSync = progress === PROGRESS_NULL;
    return this.step({
      kind: 'start',
      config,
      lastVote: undefined,
      needsInitialSync,
      progress,
      rollbackId: 1,
      promised,
    });
  }

  later(duration: number): this {
    this.now = ms(this.now + duration);
    return this;
  }
}

/** What a healthy secondary answers. */
export function replyOf(changes: Partial<HeartbeatReply> = {}): HeartbeatReply {
  return {
    setName: 'rs0',
    state: 2,
    configVersion: 1,
    configTerm: termOf(1),
    config: undefined,
    term: termOf(1),
    primaryId: -1,
    syncingTo: undefined,
    progress: progressAt(at(1, 5)),
    electable: true,
    electionTime: undefined,
    replData: undefined,
    ...changes,
  };
}

/** Answers every heartbeat among `effects` as `answer` says. Returns what followed. */
export function answerHeartbeats(
  core: TestCore,
  effects: readonly Effect[],
  answer: (target: string) => HeartbeatReply | 'refused' | 'timeout',
): readonly Effect[] {
  return effects.flatMap((effect) => {
    if (effect.kind !== 'sendHeartbeat') return [];
    const { target, requestId } = effect;
    const reply = answer(target);
    const result =
      typeof reply === 'string' ? ({ kind: reply, message: reply } as const) : ({ kind: 'reply', reply } as const);
    return core.step({ kind: 'heartbeatResult', target, requestId, result });
  });
}

export function kindsOf(effects: readonly Effect[]): string[] {
  return effects.filter(({ kind }) => kind !== 'log').map(({ kind }) => kind);
}
