import { IoError, type Random } from '../base/env.ts';
import { invariant } from '../base/invariant.ts';
import { type OpTime, OPTIME_NULL } from '../base/optime.ts';
import { compareBytes } from '../bson/bytes.ts';
import type { BaseBatch, BaseStore, TableRecord } from './base_store.ts';
import type { TableId } from './table.ts';

interface NamedBlock {
  readonly name: Uint8Array;
  readonly bytes: Uint8Array;
}

export interface MemoryBaseStoreOptions {
  /** How long a commit takes; default: until the next microtask. */
  readonly delay?: () => Promise<void>;
  /** The size of the "disk"; commits that do not fit are refused as on a full one. May be changed later. */
  readonly sizeBytesMax?: number;
}

/**
 * A base store that lives as long as this object: the disk of a member in the simulator, and all there is of an
 * ephemeral one. A store that is opened on it again after `close` or `crash` finds what was committed.
 */
export class MemoryBaseStore implements BaseStore {
  sizeBytesMax: number;
  readonly #delay: () => Promise<void>;
  readonly #records = new Map<TableId, TableRecord>();
  readonly #blocks = new Map<TableId, Map<string, NamedBlock>>();
  #checkpoint: OpTime = OPTIME_NULL;
  #sizeBytes = 0;
  #underWay: BaseBatch | undefined = undefined;
  /** Rises with every crash; a commit of an earlier life never comes back. */
  #life = 0;

  constructor(options: MemoryBaseStoreOptions = {}) {
    this.#delay = options.delay ?? (() => Promise.resolve());
    this.sizeBytesMax = options.sizeBytesMax ?? Infinity;
  }

  /** The machine dies: a commit under way is done or lost, by chance, and its promise never settles. */
  crash(random: Random): void {
    const batch = this.#underWay;
    this.#underWay = undefined;
    this.#life += 1;
    if (batch !== undefined && random.uint32() % 2 === 0) this.#apply(batch);
  }

  tables(): TableRecord[] {
    return [...this.#records.values()].sort((a, b) => a.id - b.id);
  }

  keys(table: TableId): Uint8Array[] {
    const blocks = this.#blocks.get(table);
    if (blocks === undefined) return [];
    return Array.from(blocks.values(), (block) => block.name).sort(compareBytes);
  }

  read(table: TableId, name: Uint8Array): Uint8Array {
    const block = this.#blocks.get(table)?.get(textOf(name));
    invariant(block !== undefined, () => `table ${table} has no block of that name`);
    return block.bytes;
  }

  view(table: TableId, name: Uint8Array): Uint8Array {
    return this.read(table, name);
  }

  async commit(batch: BaseBatch): Promise<void> {
    invariant(this.#underWay === undefined, 'one commit at a time');
    const life = this.#life;
    this.#underWay = batch;
    await this.#delay();
    if (life !== this.#life) return new Promise(() => {});
    this.#underWay = undefined;
    if (this.#sizeBytes + this.#growth(batch) > this.sizeBytesMax) throw new IoError('noSpace', 'no space left');
    this.#apply(batch);
  }

  checkpoint(): OpTime {
    return this.#checkpoint;
  }

  sizeBytes(): number {
    return this.#sizeBytes;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #growth(batch: BaseBatch): number {
    let growth = 0;
    for (const { table, name, bytes } of batch.blocks) {
      growth += (bytes?.length ?? 0) - (this.#blocks.get(table)?.get(textOf(name))?.bytes.length ?? 0);
    }
    return growth;
  }

  #apply(batch: BaseBatch): void {
    this.#sizeBytes += this.#growth(batch);
    for (const record of batch.tables) this.#records.set(record.id, record);
    for (const { table, name, bytes } of batch.blocks) {
      const blocks = this.#blocksOf(table);
      // The writer uses its buffers again, so both are copied.
      if (bytes === undefined) blocks.delete(textOf(name));
      else blocks.set(textOf(name), { name: name.slice(), bytes: bytes.slice() });
    }
    for (const table of batch.forgotten) {
      this.#records.delete(table);
      this.#blocks.delete(table);
    }
    if (batch.optime !== undefined) this.#checkpoint = batch.optime;
  }

  #blocksOf(table: TableId): Map<string, NamedBlock> {
    let blocks = this.#blocks.get(table);
    if (blocks === undefined) {
      blocks = new Map();
      this.#blocks.set(table, blocks);
    }
    return blocks;
  }
}

function textOf(name: Uint8Array): string {
  return String.fromCharCode(...name);
}
