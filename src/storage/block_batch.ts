/**
 * Finding the blocks of several keys together.
 *
 * A record in a random place of a large table is at the end of a chain of places in memory, each of which says where the next
 * is: the directory, the block's entry there, the block, its header, the record. None of them is in the processor's caches, so
 * each costs a wait for memory. The chains of different records depend on nothing of each other: when all take their first
 * step, then all their second, the processor waits for many of them at once.
 */
import { BlockReader } from './block_reader.ts';
import type { BlockRef, Directory } from './directory.ts';
import { GET_MANY_MAX } from './table.ts';

/** Bytes of one line of the caches. */
const LINE_BYTES = 64;

/** What is brought near of a record: the processor sees by itself how to go on. */
const RECORD_BYTES_MAX = 1024;

export class BlockBatch {
  /** The block of each key; undefined in a table without blocks. */
  readonly refs: (BlockRef | undefined)[] = Array.from({ length: GET_MANY_MAX }, () => undefined);
  readonly #blocks: (Uint8Array | undefined)[] = Array.from({ length: GET_MANY_MAX }, () => undefined);
  readonly #buffers: (ArrayBufferLike | undefined)[] = Array.from({ length: GET_MANY_MAX }, () => undefined);
  readonly #reader = new BlockReader();
  /** Of what was only read to have it near, for nobody: reading without a use could be left out by the compiler. */
  sum = 0;

  /** Sets `refs`, and brings what is in memory of the records near. */
  find(directory: Directory, keys: readonly Uint8Array[], count: number): void {
    const refs = this.refs;
    const blocks = this.#blocks;
    const buffers = this.#buffers;
    let sum = 0;
    for (let i = 0; i < count; i++) refs[i] = directory.refs[directory.indexOf(keys[i])];
    for (let i = 0; i < count; i++) {
      blocks[i] = refs[i]?.bytes;
      buffers[i] = refs[i]?.buffer;
    }
    for (let i = 0; i < count; i++) sum ^= (blocks[i]?.[0] ?? 0) ^ (buffers[i]?.byteLength ?? 0);
    for (let i = 0; i < count; i++) sum ^= this.#recordOf(keys[i], blocks[i]);
    this.sum ^= sum;
  }

  clear(count: number): void {
    this.refs.fill(undefined, 0, count);
    this.#blocks.fill(undefined, 0, count);
    this.#buffers.fill(undefined, 0, count);
  }

  /** Reads a byte of every line that the record may lie in. */
  #recordOf(key: Uint8Array, block: Uint8Array | undefined): number {
    if (block === undefined) return 0;
    const reader = this.#reader;
    reader.open(block);
    const start = reader.guessedStart(key);
    if (start < 0) return 0;
    const end = Math.min(start + RECORD_BYTES_MAX, block.length);
    let sum = 0;
    for (let i = start; i < end; i += LINE_BYTES) sum ^= block[i];
    return sum;
  }
}
