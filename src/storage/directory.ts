/**
 * Which block holds a key.
 *
 * A table's blocks are in order, and each but the first has a separator: a key above all keys of the block before it and
 * not above its own first key. A block's range goes from its separator to the next one's, the first block's from the
 * beginning; so a key has exactly one block, there or to be added. Separators never change while the block lives.
 *
 * A block's name in the base store is its separator, as short as it can be to tell it from the block before; the first
 * block's is empty. A separator over 512 bytes would not fit a key of LMDB: its name is its first 512 bytes and a number
 * (8 bytes), and when the table is opened the block's first key takes the separator's place.
 */
import { invariant } from '../base/invariant.ts';
import { compareBytes } from '../bson/bytes.ts';
import type { BaseStore } from './base_store.ts';
import { verifyChecksum } from './block_checksum.ts';
import { BlockReader } from './block_reader.ts';
import type { TableId } from './table.ts';

/** Separators up to this length are names as they are. */
const PLAIN_NAME_BYTES_MAX = 512;

/** A block as the memory knows it. */
export class BlockRef {
  readonly separator: Uint8Array;
  readonly name: Uint8Array;
  /** The block, if it is in the cache. Views into it may be anywhere, so it is never written to. */
  bytes: Uint8Array | undefined = undefined;
  /** The buffer of `bytes`: to ask them for it takes a call, and waits for one more place in memory. */
  buffer: ArrayBufferLike | undefined = undefined;
  /** The block while the checkpoint that makes it is being committed: memory that is used again afterwards. */
  pending: Uint8Array | undefined = undefined;
  /** For the cache: touched since the hand last passed, and the place in its ring (-1 outside). */
  used = false;
  ringIndex = -1;

  constructor(separator: Uint8Array, name: Uint8Array) {
    this.separator = separator;
    this.name = name;
  }

  /** The cache took the block in, or let it go (undefined). */
  setBytes(bytes: Uint8Array | undefined): void {
    this.bytes = bytes;
    this.buffer = bytes?.buffer;
  }
}

/** How far from a guess is looked first, and how much farther each time. */
const REACH = 4;

/** How many bytes of a separator a number stands for: all of a record id. */
const HEAD_BYTES = 6;

/** The blocks of one table in order. Replaced, never changed. */
export class Directory {
  readonly refs: readonly BlockRef[];
  /**
   * Per block, what is in its separator behind the bytes that all have in common (`#shared` many), as a number: most of a
   * search looks at these, which lie side by side, and not at separators. Made on first use.
   */
  #heads: Float64Array | undefined = undefined;
  #shared = 0;
  /** Keys from this length on are not below a separator that has their head. */
  #decidedFrom = Infinity;

  constructor(refs: readonly BlockRef[]) {
    this.refs = refs;
  }

  /** The index of the block whose range holds `key`; -1 when there are no blocks. */
  indexOf(key: Uint8Array): number {
    const { refs } = this;
    if (refs.length <= 1) return refs.length - 1;
    const heads = this.#heads ?? this.#makeHeads();
    const order = this.#orderToShared(key);
    if (order !== 0) return order < 0 ? 0 : refs.length - 1;
    const wanted = headOf(key, this.#shared);
    const last = refs.length - 1;
    // Keys that were appended one after the other lie at even distances: the block is near the guess then.
    const share = (wanted - heads[1]) / (heads[last] - heads[1]);
    const guess = share > 0 ? (share < 1 ? 1 + Math.floor(share * (last - 1)) : last) : 1;
    let low = 1;
    let high = refs.length;
    if (this.#isFrom(guess, heads[guess], wanted, key)) {
      low = guess + 1;
      for (let at = low + REACH; at < high; at = low + (at - guess) * REACH) {
        if (!this.#isFrom(at, heads[at], wanted, key)) high = at;
        else low = at + 1;
      }
    } else {
      high = guess;
      for (let at = high - REACH; at > low; at = high - (guess - at) * REACH) {
        if (this.#isFrom(at, heads[at], wanted, key)) low = at + 1;
        else high = at;
      }
    }
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#isFrom(middle, heads[middle], wanted, key)) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Whether the key, whose head is `wanted`, is not below block `i`, whose head is `head`. */
  #isFrom(i: number, head: number, wanted: number, key: Uint8Array): boolean {
    if (head !== wanted) return head < wanted;
    return key.length >= this.#decidedFrom || compareBytes(this.refs[i].separator, key) <= 0;
  }

  /** Whether `key` comes before (negative) or after all keys that begin with what the separators have in common. */
  #orderToShared(key: Uint8Array): number {
    const { separator } = this.refs[1];
    for (let i = 0; i < this.#shared; i++) {
      if (i === key.length) return -1;
      if (key[i] !== separator[i]) return key[i] - separator[i];
    }
    return 0;
  }

  #makeHeads(): Float64Array {
    const { refs } = this;
    const first = refs[1].separator;
    const last = refs[refs.length - 1].separator;
    let shared = 0;
    while (shared < first.length && first[shared] === last[shared]) shared++;
    const heads = new Float64Array(refs.length);
    let longest = 0;
    for (let i = 1; i < refs.length; i++) {
      heads[i] = headOf(refs[i].separator, shared);
      longest = Math.max(longest, refs[i].separator.length);
    }
    this.#decidedFrom = longest <= shared + HEAD_BYTES ? longest : Infinity;
    this.#shared = shared;
    this.#heads = heads;
    return heads;
  }
}

/** Of two keys with the same first `from` bytes, the one with the smaller head is smaller; equal heads decide nothing. */
function headOf(key: Uint8Array, from: number): number {
  let head = 0;
  for (let i = from; i < from + HEAD_BYTES; i++) head = head * 256 + (i < key.length ? key[i] : 0);
  return head;
}

/** Names for new blocks of one table. */
export class BlockNames {
  #next: number;

  constructor(next: number) {
    this.#next = next;
  }

  nameFor(separator: Uint8Array): Uint8Array {
    if (separator.length <= PLAIN_NAME_BYTES_MAX) return separator;
    const name = new Uint8Array(PLAIN_NAME_BYTES_MAX + 8);
    name.set(separator.subarray(0, PLAIN_NAME_BYTES_MAX));
    new DataView(name.buffer).setBigUint64(PLAIN_NAME_BYTES_MAX, BigInt(this.#next));
    this.#next += 1;
    return name;
  }
}

/** Reads the names of a table's blocks, and the few blocks whose separator does not fit the name. */
export function loadDirectory(base: BaseStore, table: TableId): { directory: Directory; names: BlockNames } {
  const refs: BlockRef[] = [];
  const long: Uint8Array[] = [];
  let nextNumber = 1;
  for (const name of base.keys(table)) {
    if (name.length <= PLAIN_NAME_BYTES_MAX) {
      refs.push(new BlockRef(name, name));
    } else {
      invariant(name.length === PLAIN_NAME_BYTES_MAX + 8, () => `a block name of ${name.length} bytes`);
      const number = Number(new DataView(name.buffer, name.byteOffset + PLAIN_NAME_BYTES_MAX).getBigUint64(0));
      nextNumber = Math.max(nextNumber, number + 1);
      long.push(name);
    }
  }
  const reader = new BlockReader();
  for (const name of long) {
    const block = base.read(table, name);
    verifyChecksum(block, () => `a block of table ${table}`);
    reader.open(block);
    refs.push(new BlockRef(reader.keyAt(0), name));
  }
  if (long.length > 0) refs.sort((a, b) => compareBytes(a.separator, b.separator));
  checkOrder(refs, table);
  return { directory: new Directory(refs), names: new BlockNames(nextNumber) };
}

function checkOrder(refs: readonly BlockRef[], table: TableId): void {
  if (refs.length === 0) return;
  invariant(refs[0].separator.length === 0, () => `the first block of table ${table} is missing`);
  for (let i = 1; i < refs.length; i++) {
    const ordered = compareBytes(refs[i - 1].separator, refs[i].separator) < 0;
    invariant(ordered, () => `blocks ${i - 1} and ${i} of table ${table} are out of order`);
  }
}
