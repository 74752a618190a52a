import { expect, test } from 'vitest';
import { NO_LOG } from '../base/log.ts';
import { termOf, type OpTime, type Timestamp } from '../base/optime.ts';
import { unixMs } from '../base/units.ts';
import { manualEnv } from '../../tests/support/manual_env.ts';
import type { ReplicationCore } from '../replication/core.ts';
import type { UpdatePosition } from '../replication/messages.ts';
import { decodeUpdatePosition } from '../replication/position_documents.ts';
import type { Peers } from './peers.ts';
import { PositionReporter } from './position_reporter.ts';

const optime = (ts: number): OpTime => ({ ts: ts as Timestamp, t: termOf(1) });

function update(applied: number, durable: number): UpdatePosition {
  const at = (ts: number) => ({ optime: optime(ts), wall: unixMs(0) });
  const progress = { written: at(applied), applied: at(applied), durable: at(durable) };
  return { positions: [{ memberId: 1, configVersion: 1, progress }], replData: undefined };
}

/** A reporter over a core that says what it is told to; `told` gets [applied, durable] of each report. */
function setUp() {
  const env = manualEnv();
  const told: number[][] = [];
  const state = { update: update(1, 1), answers: [] as (() => void)[] };
  const core = { syncSource: 'other:1', updatePosition: () => state.update } as unknown as ReplicationCore;
  const run = (_target: string, { body }: { body: Uint8Array }): Promise<Uint8Array> => {
    const [position] = decodeUpdatePosition(body).positions;
    told.push([position.progress.applied.optime.ts, position.progress.durable.optime.ts]);
    return new Promise((resolve) => state.answers.push(() => resolve(body)));
  };
  const reporter = new PositionReporter({ core, peers: { run } as unknown as Peers, log: NO_LOG, timers: env.timers });
  return { env, told, state, reporter };
}

test('what was only applied waits a moment for the sync that is under way', () => {
  const { env, told, state, reporter } = setUp();
  reporter.report();
  state.update = update(5, 1);
  reporter.report();
  expect(told).toEqual([[1, 1]]);
  state.update = update(5, 5);
  reporter.report();
  expect(told).toEqual([
    [1, 1],
    [5, 5],
  ]);
  env.advance(10);
  expect(told.length).toBe(2);
});

test('a slow sync does not keep from telling what was applied', () => {
  const { env, told, state, reporter } = setUp();
  reporter.report();
  state.update = update(5, 1);
  reporter.report();
  env.advance(1);
  expect(told).toEqual([
    [1, 1],
    [5, 1],
  ]);
});

test('what moves while two reports are under way goes into the next one', async () => {
  const { told, state, reporter } = setUp();
  for (const ts of [1, 2, 3, 4]) {
    state.update = update(ts, ts);
    reporter.report();
  }
  expect(told).toEqual([
    [1, 1],
    [2, 2],
  ]);
  state.answers[0]();
  await new Promise((resolve) => setImmediate(resolve));
  expect(told).toEqual([
    [1, 1],
    [2, 2],
    [4, 4],
  ]);
});
