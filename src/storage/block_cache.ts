import type { BaseStore } from './base_store.ts';
import { verifyChecksum } from './block_checksum.ts';
import type { BlockRef } from './directory.ts';
import type { TableId } from './table.ts';

/**
 * The blocks of all tables that are kept in memory, bounded by bytes, replaced by the clock algorithm: a block that was
 * used since the hand last passed it gets another round. What a scan brings in does not count as used.
 */
export class BlockCache {
  readonly bytesMax: number;
  bytes = 0;
  hits = 0;
  misses = 0;
  readonly #base: BaseStore;
  readonly #ring: BlockRef[] = [];
  #hand = 0;

  constructor(base: BaseStore, bytesMax: number) {
    this.#base = base;
    this.bytesMax = bytesMax;
  }

  /** The block's bytes, which stay valid. Callers look at `ref.bytes` first. */
  load(table: TableId, ref: BlockRef, isScan: boolean): Uint8Array {
    if (ref.bytes !== undefined) return ref.bytes;
    this.misses += 1;
    const bytes = ref.pending === undefined ? this.#read(table, ref) : ref.pending.slice();
    this.adopt(ref, bytes);
    ref.used = !isScan;
    return bytes;
  }

  /** The block's bytes, valid only until the next call; leaves the cache as it is. */
  peek(table: TableId, ref: BlockRef): Uint8Array {
    if (ref.bytes !== undefined) return ref.bytes;
    if (ref.pending !== undefined) return ref.pending;
    const bytes = this.#base.view(table, ref.name);
    verifyChecksum(bytes, () => describe(table, ref));
    return bytes;
  }

  /** Takes over `bytes`, which nobody changes any more. */
  adopt(ref: BlockRef, bytes: Uint8Array): void {
    if (bytes.length * 4 > this.bytesMax) return;
    this.#makeRoom(bytes.length);
    ref.setBytes(bytes);
    ref.ringIndex = this.#ring.length;
    this.#ring.push(ref);
    this.bytes += bytes.length;
  }

  /** The block is no longer part of a table. */
  forget(ref: BlockRef): void {
    if (ref.bytes === undefined) return;
    this.bytes -= ref.bytes.length;
    ref.setBytes(undefined);
    const last = this.#ring.pop();
    if (last !== undefined && last !== ref) {
      this.#ring[ref.ringIndex] = last;
      last.ringIndex = ref.ringIndex;
    }
    ref.ringIndex = -1;
  }

  #read(table: TableId, ref: BlockRef): Uint8Array {
    const bytes = this.#base.read(table, ref.name);
    verifyChecksum(bytes, () => describe(table, ref));
    return bytes;
  }

  #makeRoom(length: number): void {
    while (this.bytes + length > this.bytesMax && this.#ring.length > 0) {
      if (this.#hand >= this.#ring.length) this.#hand = 0;
      const ref = this.#ring[this.#hand];
      if (ref.used) {
        ref.used = false;
        this.#hand += 1;
      } else {
        this.forget(ref);
      }
    }
  }
}

function describe(table: TableId, ref: BlockRef): string {
  const name = Array.from(ref.name.subarray(0, 32), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `block ${name === '' ? '(first)' : name} of table ${table}`;
}
