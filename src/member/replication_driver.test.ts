import { describe, expect, test } from 'vitest';
import { CommandError } from '../base/command_error.ts';
import type { Env } from '../base/env.ts';
import { ms, unixMs, type Ms } from '../base/units.ts';
import type { ReplicationCore } from '../replication/core.ts';
import type { Effect } from '../replication/effect.ts';
import type { Input } from '../replication/input.ts';
import { ReplicationDriver } from './replication_driver.ts';

/** A core that answers each input with what was prepared, and time that stands until told. */
class Bench {
  now = 0;
  deadline = Infinity as Ms;
  readonly inputs: Input[] = [];
  readonly done: string[] = [];
  readonly answers: Effect[][] = [];
  readonly driver: ReplicationDriver;
  #timer: (() => void) | undefined;
  timerDelay = 0;

  constructor(perform: (effect: Effect, bench: Bench) => Promise<void> | void = () => {}) {
    const env = {
      clock: { monotonic: () => ms(this.now), wall: () => unixMs(this.now) },
      timers: {
        after: (delay: Ms, callback: () => void) => {
          this.#timer = callback;
          this.timerDelay = delay;
          return () => {
            this.#timer = undefined;
          };
        },
      },
    } as unknown as Env;
    const step = (input: Input): readonly Effect[] => {
      this.inputs.push(input);
      return this.answers.shift() ?? [];
    };
    const deadline = (): Ms => this.deadline;
    const core = {
      step,
      get deadline() {
        return deadline();
      },
    } as unknown as ReplicationCore;
    this.driver = new ReplicationDriver({
      env,
      core,
      perform: (effect) => {
        this.done.push(effect.kind === 'topologyChanged' ? `topology ${effect.counter}` : effect.kind);
        return perform(effect, this);
      },
      onFatal: (error) => {
        throw error;
      },
    });
  }

  fireTimer(): void {
    this.#timer?.();
  }
}

function topology(counter: number): Effect {
  return { kind: 'topologyChanged', counter };
}

describe('the driver', () => {
  test('an effect waits for those before it, and later inputs queue theirs behind', async () => {
    let resolve = () => {};
    const bench = new Bench((effect) =>
      effect.kind === 'stopSync' ? new Promise<void>((done) => (resolve = done)) : undefined,
    );
    bench.answers.push([topology(1), { kind: 'stopSync' }, topology(2)], [topology(3)]);
    bench.driver.submit({ kind: 'tick' });
    bench.driver.submit({ kind: 'tick' });
    expect(bench.done).toEqual(['topology 1', 'stopSync']);
    resolve();
    await Promise.resolve();
    await Promise.resolve();
    expect(bench.done).toEqual(['topology 1', 'stopSync', 'topology 2', 'topology 3']);
  });

  test('an input given while an effect is carried out comes after the effects of the first', () => {
    const bench = new Bench((effect, { driver }) => {
      if (effect.kind === 'stopSync') driver.submit({ kind: 'shutdown' });
    });
    bench.answers.push([{ kind: 'stopSync' }, topology(1)], [topology(2)]);
    bench.driver.submit({ kind: 'tick' });
    expect(bench.done).toEqual(['stopSync', 'topology 1', 'topology 2']);
  });

  test('a request ends with the reply to it', async () => {
    const bench = new Bench();
    bench.answers.push([{ kind: 'reply', replyTo: 1, reply: { kind: 'document', document: { a: 1 } } }]);
    const good = bench.driver.request((replyTo) => ({ kind: 'freeze', seconds: 1, replyTo }));
    expect(await good).toEqual({ kind: 'document', document: { a: 1 } });
    const error = new CommandError('NotSecondary', 'no');
    bench.answers.push([{ kind: 'reply', replyTo: 2, reply: { kind: 'error', error } }]);
    const bad = bench.driver.request((replyTo) => ({ kind: 'freeze', seconds: 1, replyTo }));
    await expect(bad).rejects.toBe(error);
  });

  test('ticks at the deadline the core names', () => {
    const bench = new Bench();
    bench.deadline = ms(30);
    bench.driver.submit({ kind: 'shutdown' });
    expect(bench.timerDelay).toBe(30);
    bench.now = 30;
    bench.deadline = ms(40);
    bench.fireTimer();
    expect(bench.inputs.map(({ kind }) => kind)).toEqual(['shutdown', 'tick']);
    expect(bench.timerDelay).toBe(10);
  });

  test('a loop that stood still is told of before anything else', () => {
    const bench = new Bench();
    bench.driver.submit({ kind: 'tick' });
    bench.now = 5000;
    bench.driver.submit({ kind: 'shutdown' });
    expect(bench.inputs.map(({ kind }) => kind)).toEqual(['tick', 'stalled', 'shutdown']);
    expect(bench.inputs[1]).toMatchObject({ duration: 4500 });
  });
});
