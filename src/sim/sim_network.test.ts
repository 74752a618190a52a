import { describe, expect, test } from 'vitest';
import type { Connection } from '../base/env.ts';
import { ms } from '../base/units.ts';
import { settler } from '../host/settle.ts';
import { Scheduler } from './scheduler.ts';
import { SeededRandom } from './seeded_random.ts';
import { SimClock } from './sim_clock.ts';
import { SimNetwork } from './sim_network.ts';
import { SimProcess } from './sim_process.ts';
import { Trace } from './trace.ts';

const settle = settler();

/** Hosts `a` and `b`; whatever arrives at one of them is in its list, as text. */
class World {
  readonly scheduler = new Scheduler(settle);
  readonly network = new SimNetwork(this.scheduler, new SeededRandom(5), new Trace());
  readonly a = this.process();
  readonly b = this.process();
  readonly atA: string[] = [];
  readonly atB: string[] = [];

  process(): SimProcess {
    const { scheduler } = this;
    const fail = (error: unknown): void => {
      throw error;
    };
    return new SimProcess({ scheduler, clock: new SimClock(scheduler), onUncaught: fail });
  }

  run(durationMs: number): Promise<void> {
    return this.scheduler.runUntil(this.scheduler.nowMs + durationMs);
  }

  /** Each side of a connection from `a` to `b`. */
  async connect(port = 1): Promise<{ client: Connection; server: Connection }> {
    const accepted: Connection[] = [];
    await this.network.view('b', this.b).listen('b', port, (connection) => {
      receive(connection, this.atB);
      accepted.push(connection);
    });
    const connecting = this.network.view('a', this.a).connect(`b:${port}`, ms(1000));
    const started = connecting.then((connection) => {
      receive(connection, this.atA);
      return connection;
    });
    await this.run(100);
    return { client: await started, server: accepted[0] };
  }
}

function receive(connection: Connection, into: string[]): void {
  connection.start({
    data: (chunk) => into.push(new TextDecoder().decode(chunk)),
    closed: () => into.push('closed'),
  });
}

function send(connection: Connection, text: string): void {
  connection.send(new TextEncoder().encode(text));
}

const LETTERS = Array.from('abcdefghijklmnopqrstuvwxyz');

describe('the simulated network', () => {
  test('keeps the order of a connection however late single chunks are', async () => {
    const world = new World();
    const { client } = await world.connect();
    Object.assign(world.network.faults, { lateChance: 0.5, lateMsMax: 500 });
    for (const letter of LETTERS) send(client, letter);
    await world.run(1000);
    expect(world.atB).toEqual(LETTERS);
  });

  test('lets chunks of different connections overtake each other', async () => {
    const world = new World();
    const clients = [];
    for (const port of LETTERS.keys()) clients.push((await world.connect(port + 1)).client);
    Object.assign(world.network.faults, { lateChance: 0.5, lateMsMax: 500 });
    for (const [i, client] of clients.entries()) send(client, LETTERS[i]);
    await world.run(1000);
    expect(world.atB).not.toEqual(LETTERS);
    expect(world.atB.toSorted()).toEqual(LETTERS);
  });

  test('holds back what a partition stops, and delivers it in its order when it heals', async () => {
    const world = new World();
    const { client } = await world.connect();
    world.network.block('a', 'b');
    send(client, 'x');
    send(client, 'y');
    await world.run(1000);
    expect(world.atB).toEqual([]);
    world.network.heal();
    send(client, 'z');
    await world.run(100);
    expect(world.atB).toEqual(['x', 'y', 'z']);
  });

  test('stops one direction only when told so', async () => {
    const world = new World();
    const { client, server } = await world.connect();
    world.network.block('a', 'b');
    send(client, 'unheard');
    send(server, 'heard');
    await world.run(1000);
    expect([world.atA, world.atB]).toEqual([['heard'], []]);
  });

  test('breaks a connection whose bytes are held back too long, at both ends', async () => {
    const world = new World();
    const { client } = await world.connect();
    world.network.block('a', 'b');
    send(client, 'x');
    await world.run(20_000);
    expect([world.atA, world.atB]).toEqual([['closed'], ['closed']]);
  });

  test('refuses at once where nobody listens, and times out where nobody can be reached', async () => {
    const world = new World();
    const outcomes: string[] = [];
    const tryOut = async (): Promise<void> => {
      const began = world.scheduler.nowMs;
      await world.network
        .view('a', world.a)
        .connect('b:9', ms(300))
        .catch((error: { kind: string }) => {
          outcomes.push(`${error.kind} ${world.scheduler.nowMs - began < 10 ? 'at once' : 'late'}`);
        });
    };
    void tryOut();
    await world.run(1000);
    world.network.block('b', 'a');
    void tryOut();
    await world.run(1000);
    expect(outcomes).toEqual(['refused at once', 'timeout late']);
  });

  test('tells both ends when one closes, after what was sent before', async () => {
    const world = new World();
    const { client } = await world.connect();
    send(client, 'last words');
    client.close();
    send(client, 'unheard');
    await world.run(100);
    expect([world.atA, world.atB]).toEqual([['closed'], ['last words', 'closed']]);
  });

  test('closes the connections of a process that dies and frees its port', async () => {
    const world = new World();
    await world.connect();
    world.b.crash();
    world.network.processDied(world.b);
    await world.run(100);
    expect(world.atA).toEqual(['closed']);
    const next = world.process();
    await expect(world.network.view('b', next).listen('b', 1, () => undefined)).resolves.toMatchObject({ port: 1 });
  });

  test('keeps what a paused receiver does not take, and delivers it when it goes on', async () => {
    const world = new World();
    const { client, server } = await world.connect();
    server.pause();
    send(client, 'x');
    send(client, 'y');
    await world.run(100);
    expect(world.atB).toEqual([]);
    server.resume();
    expect(world.atB).toEqual(['x', 'y']);
  });
});
