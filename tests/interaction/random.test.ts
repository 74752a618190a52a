/**
 * The same scripted members under random faults, from a seed: whatever happens, no two primaries in a term, nothing
 * committed is lost, oplogs agree up to the commit point, and after healing the set works again.
 */
import { describe, expect, test } from 'vitest';
import { compareOpTimes, isNullOpTime, type OpTime } from '../../src/base/optime.ts';
import { MEMBER_STATE } from '../../src/replication/member_state.ts';
import { runCommand } from './commands.ts';
import { shown, type ScriptedMember } from './member.ts';
import { World } from './world.ts';

const SEEDS = Number(process.env['SEEDS'] ?? 60);
const FIRST_SEED = Number(process.env['SEED'] ?? 1);
const STEPS = 40;

/** What must hold over a whole run. */
class Watch {
  readonly #world: World;
  readonly #primaryOfTerm = new Map<number, number>();
  #committed: OpTime[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  check(): void {
    const running = this.#world.members.filter(({ isRunning }) => isRunning);
    for (const member of running) this.#notePrimary(member);
    for (const member of running) this.#checkCommitted(member);
  }

  #notePrimary({ id, core }: ScriptedMember): void {
    if (core.memberState === MEMBER_STATE.PRIMARY) {
      const known = this.#primaryOfTerm.get(core.term) ?? id;
      expect(known, `primaries of term ${core.term}`).toBe(id);
      this.#primaryOfTerm.set(core.term, id);
    }
  }

  #checkCommitted(member: ScriptedMember): void {
    const { core } = member;
    const commitPoint = core.commitPoint.optime;
    if (isNullOpTime(commitPoint)) return;
    const upTo = member.disk.oplog.filter((optime) => compareOpTimes(optime, commitPoint) <= 0);
    const shared = Math.min(upTo.length, this.#committed.length);
    expect(upTo.slice(0, shared).map(shown), `what ${member.id} has committed`).toEqual(
      this.#committed.slice(0, shared).map(shown),
    );
    if (upTo.length > this.#committed.length) this.#committed = upTo;
    if (core.isWritablePrimary && core.term === this.#newestTerm()) this.#checkHasAll(member);
  }

  #newestTerm(): number {
    return Math.max(...this.#primaryOfTerm.keys());
  }

  /** A primary of the newest term has everything that was committed before. Source: Raft §5.4.3, Leader Completeness. */
  #checkHasAll(member: ScriptedMember): void {
    const mine = new Set(member.disk.oplog.map(shown));
    const lost = this.#committed.map(shown).filter((optime) => !mine.has(optime));
    expect(lost, `committed entries that primary ${member.id} lacks`).toEqual([]);
  }
}

describe('random faults', () => {
  const seeds = Array.from({ length: SEEDS }, (_, index) => FIRST_SEED + index);

  test.each(seeds)('seed %i', (seed) => {
    const random = mulberry(seed);
    const pick = (count: number): number => Math.floor(random() * count);
    const count = 2 + pick(4);
    const world = new World();
    const arbiter = count >= 3 && random() < 0.3 ? ` arbiter=${count}` : '';
    const priority = random() < 0.5 ? ` priority${1 + pick(count - 1)}=3` : '';
    runCommand(world, `add-members ${count} primary=1 term=2${arbiter}${priority}`);
    const watch = new Watch(world);
    for (let step = 0; step < STEPS; step++) {
      disturb(world, pick);
      runInPieces(world, watch, [1, 5, 50, 700, 3000, 11_000][pick(6)] ?? 1);
    }
    healAll(world);
    runInPieces(world, watch, 60_000);
    expectWorking(world);
  });
});

function runInPieces(world: World, watch: Watch, duration: number): void {
  const piece = Math.max(1, duration / 20);
  for (let done = 0; done < duration; done += piece) {
    world.run(piece);
    watch.check();
  }
}

function disturb(world: World, pick: (count: number) => number): void {
  const id = 1 + pick(world.members.length);
  const other = 1 + pick(world.members.length);
  const member = world.member(id);
  const actions: (() => void)[] = [
    () => writeIfPossible(world),
    () => writeIfPossible(world),
    () => writeIfPossible(world),
    () => member.crash({ losesUnsynced: pick(2) === 0 }),
    () => restartAll(world),
    () => {
      if (id !== other) runCommand(world, `partition ${id} | ${other}`);
    },
    () => {
      if (id !== other) runCommand(world, `one-way ${id} ${other}`);
    },
    () => world.cut.clear(),
    () => {
      if (member.isRunning) runCommand(world, `step-up ${id} skipDryRun=${pick(3) === 0}`);
    },
    () => {
      if (member.isRunning) runCommand(world, `step-down ${id} 5 catchUp=2 force=${pick(2) === 0}`);
    },
    () => {
      member.syncsToDisk = !member.syncsToDisk;
    },
    () => {
      member.fetches = !member.fetches;
    },
    () => {
      if (member.isRunning && member.syncsToDisk) member.sync();
    },
    () => {
      member.isPaused = !member.isPaused;
    },
    () => world.drop(id),
    () => {
      if (member.isRunning && id !== other) runCommand(world, `refused ${id} ${other}`);
    },
  ];
  actions[pick(actions.length)]?.();
}

function writeIfPossible(world: World): void {
  for (const member of world.members) if (member.isRunning && !member.isPaused) member.write();
}

function restartAll(world: World): void {
  for (const member of world.members) if (!member.isRunning) member.start();
}

function healAll(world: World): void {
  world.cut.clear();
  for (const member of world.members) {
    member.isPaused = false;
    member.fetches = true;
    member.syncsToDisk = true;
  }
  restartAll(world);
  for (const member of world.members) member.sync();
}

/** One writable primary, everybody has the same log, and a new write is committed. */
function expectWorking(world: World): void {
  const primaries = world.members.filter(({ core }) => core.isWritablePrimary);
  expect(primaries.length, world.describe().join('\n')).toBe(1);
  const [primary] = primaries;
  primary?.write();
  world.run(1000);
  const logs = world.members
    .filter(({ core }) => core.memberState !== MEMBER_STATE.ARBITER)
    .map(({ last }) => shown(last));
  expect(new Set(logs).size, world.describe().join('\n')).toBe(1);
  expect(shown(primary?.core.commitPoint.optime ?? { ts: 0 as never, t: 0 as never })).toBe(
    shown(primary?.last as OpTime),
  );
}

function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
