/**
 * Groups of documents with the same id, each with its accumulators.
 *
 * When the groups exceed the memory of the stage, documents of new groups go to disk, into one of several files that their
 * id chooses; once those in memory have grown by a quarter more, documents of all groups do. In the end each file is
 * grouped by itself, on top of what there is in memory of its groups; a file that again is too much is divided further.
 * The documents of a group so keep their order.
 */
import { CommandError } from '../../base/command_error.ts';
import { copyValue, RAW_NULL, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { Accumulator } from '../accumulator/accumulator.ts';
import type { Expression } from '../expression.ts';
import type { SpillFile } from '../spill/spill_file.ts';
import type { AccumulatedField } from './accumulated_fields.ts';
import { MemoryBudget, type MemoryUser, type StageMemory } from './memory_budget.ts';
import { Pace, type TurnTime } from '../pace.ts';
import { PAUSE } from './source.ts';

/** What a group costs besides its values. */
const GROUP_OVERHEAD_BYTES = 64;

/** Files that a stage, or one of its files, is divided into. */
const FILES = 16;

/** How often files are divided; by then it is not the number of groups that is too large. */
const DEPTH_MAX = 6;

/** What the groups in memory may grow to, as a part of the stage's memory, before nothing is added to them. */
const GROWTH_MAX = 1.25;

const NO_BYTES = new Uint8Array(0);

export interface GroupSpec {
  readonly id: Expression;
  readonly fields: readonly AccumulatedField[];
  /** Equal for ids of one group. */
  keyOf(id: RawValue): string;
  readonly turn: TurnTime;
}

/** One group; its accumulators tell it what they keep. */
class Group implements MemoryUser {
  readonly id: RawValue;
  accumulators: readonly Accumulator[] = [];
  usedBytes = 0;
  readonly #spec: GroupSpec;
  readonly #bytesMax: number;
  /** Of all groups together. */
  readonly #total: { bytes: number };

  constructor(id: RawValue, spec: GroupSpec, total: { bytes: number }, bytesMax: number) {
    this.id = id;
    this.#spec = spec;
    this.#total = total;
    this.#bytesMax = bytesMax;
  }

  take(bytes: number): void {
    this.usedBytes += bytes;
    this.#total.bytes += bytes;
    if (this.usedBytes <= this.#bytesMax) return;
    const operators = this.#spec.fields.map(({ operator }) => operator).join(', ');
    const text = `${operators} used too much memory and cannot spill to disk. Memory limit: ${this.#bytesMax} bytes`;
    throw new CommandError('ExceededMemoryLimit', text);
  }

  give(bytes: number): void {
    this.usedBytes -= bytes;
    this.#total.bytes -= bytes;
  }
}

interface GroupLevel {
  readonly depth: number;
  readonly total: { bytes: number };
  /** Every file that is open, for whoever closes the stage. */
  readonly files: Set<SpillFile>;
}

export class GroupWork {
  readonly #stage: string;
  readonly #spec: GroupSpec;
  readonly #memory: StageMemory;
  readonly #level: GroupLevel;
  /** What others had taken before. */
  readonly #baseBytes: number;
  readonly #groups = new Map<string, Group>();
  readonly #writer = new BsonWriter();
  #files: readonly SpillFile[] | undefined;
  /** Nothing is added to the groups in memory any more. */
  #isFrozen = false;
  /** Of the accumulators of the group that a document is added to: those before have it. */
  #reached = 0;

  constructor(stage: string, spec: GroupSpec, memory: StageMemory, level?: GroupLevel) {
    this.#stage = stage;
    this.#spec = spec;
    this.#memory = memory;
    this.#level = level ?? { depth: 0, total: { bytes: 0 }, files: new Set() };
    this.#baseBytes = this.#level.total.bytes;
  }

  add(document: Uint8Array): void {
    const id = this.#spec.id.evaluate(document) ?? RAW_NULL;
    const key = this.#spec.keyOf(id);
    let group = this.#groups.get(key);
    if (this.#files !== undefined && (group === undefined || this.#isFrozen)) {
      this.#files[fileOf(key, this.#level.depth)].append(NO_BYTES, document);
      return;
    }
    group ??= this.#newGroup(key, id);
    // One whose operand takes longer than a turn is left, and come back to.
    const { accumulators } = group;
    for (; this.#reached < accumulators.length; this.#reached++) accumulators[this.#reached].add(document);
    this.#reached = 0;
    if (this.#level.total.bytes - this.#baseBytes > this.#memory.bytesMax) this.#overflow();
  }

  /** One for each group, in the order of their first documents as long as all are in memory. */
  *results(): Generator<Uint8Array | typeof PAUSE> {
    if (this.#files === undefined || !this.#isFrozen) {
      yield* this.#documents();
      this.#release();
    }
    const files = this.#files;
    if (files === undefined) return;
    const frozen = this.#divided();
    for (const [i, file] of files.entries()) {
      const level = { ...this.#level, depth: this.#level.depth + 1 };
      const work = new GroupWork(this.#stage, this.#spec, this.#memory, level);
      for (const [key, group] of frozen[i]) work.#groups.set(key, group);
      frozen[i] = [];
      yield* work.#addAll(file);
      this.#close(file);
      yield* work.results();
    }
  }

  close(): void {
    for (const file of [...this.#level.files]) this.#close(file);
  }

  *#addAll(file: SpillFile): Generator<typeof PAUSE> {
    const pace = new Pace(this.#spec.turn);
    const reader = file.read();
    while (reader.next()) {
      if (pace.isOver()) yield PAUSE;
      this.add(reader.body);
    }
  }

  *#documents(): Generator<Uint8Array> {
    for (const group of this.#groups.values()) {
      const writer = this.#writer.reset().startDocument().value('_id', group.id);
      for (const [i, { name }] of this.#spec.fields.entries()) writer.value(name, group.accumulators[i].result());
      yield writer.endDocument().finish();
    }
  }

  /** The groups were handed out. */
  #release(): void {
    for (const { usedBytes } of this.#groups.values()) this.#level.total.bytes -= usedBytes;
    this.#groups.clear();
  }

  /** What is in memory of the groups of each file. */
  #divided(): [string, Group][][] {
    const parts: [string, Group][][] = Array.from({ length: FILES }, () => []);
    for (const [key, group] of this.#groups) parts[fileOf(key, this.#level.depth)].push([key, group]);
    this.#groups.clear();
    return parts;
  }

  #newGroup(key: string, id: RawValue): Group {
    const own = copyValue(id);
    const group = new Group(own, this.#spec, this.#level.total, this.#memory.bytesMax);
    group.take(key.length + own.end - own.start + GROUP_OVERHEAD_BYTES);
    group.accumulators = this.#spec.fields.map(({ accumulator }) => accumulator.create(group, own));
    this.#groups.set(key, group);
    return group;
  }

  #overflow(): void {
    const { spill, bytesMax } = this.#memory;
    const { depth, total, files } = this.#level;
    // Without a disk, or divided often enough: the budget refuses.
    if (spill === undefined || depth >= DEPTH_MAX) new MemoryBudget(this.#stage, this.#memory).take(bytesMax + 1);
    else if (this.#files === undefined) {
      this.#files = Array.from({ length: FILES }, () => spill.open());
      for (const file of this.#files) files.add(file);
    } else if (total.bytes - this.#baseBytes > bytesMax * GROWTH_MAX) this.#isFrozen = true;
  }

  #close(file: SpillFile): void {
    file.close();
    this.#level.files.delete(file);
  }
}

/** FNV-1a over the characters; each depth divides in another way. */
function fileOf(key: string, depth: number): number {
  let hash = 0x811c9dc5 ^ (depth * 0x9e3779b1);
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return ((hash ^ (hash >>> 15)) >>> 0) % FILES;
}
