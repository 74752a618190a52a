/**
 * What is newer than the checkpoint: for each key of a table a chain of versions, the newest first.
 *
 * Version nodes never change except that older ones are cut off behind them, so that a checkpoint may hold on to a node
 * over turns and recognise it later, whatever was written meanwhile.
 */
import sortedBtree from 'sorted-btree';
import { invariant } from '../base/invariant.ts';
import type { Timestamp } from '../base/optime.ts';
import { compareBytes } from '../bson/bytes.ts';

/** A value from `at` on, until a newer version; undefined: removed. */
export interface VersionNode {
  readonly at: Timestamp;
  readonly value: Uint8Array | undefined;
  older: VersionNode | undefined;
}

/** A chain's entry in the blocks is not known yet. */
export const BASE_UNKNOWN = -2;
/** The blocks have no entry for the chain's key. */
export const BASE_ABSENT = -1;

/** What a chain costs besides the bytes of keys and values, about. */
const NODE_OVERHEAD_BYTES = 160;
const CHAIN_OVERHEAD_BYTES = 240;

export class VersionChain {
  readonly key: Uint8Array;
  head: VersionNode | undefined = undefined;
  /** Bytes of key and value of the entry in the blocks, or BASE_ABSENT or BASE_UNKNOWN. */
  baseSize: number;

  constructor(key: Uint8Array, baseSize: number) {
    this.key = key;
    this.baseSize = baseSize;
  }

  /** The newest version at or below `at`; undefined when the blocks decide. */
  visible(at: Timestamp): VersionNode | undefined {
    let node = this.head;
    while (node !== undefined && node.at > at) node = node.older;
    return node;
  }

  /** Bytes of key and value in the newest state, or BASE_ABSENT; BASE_UNKNOWN when only the blocks know. */
  newestSize(): number {
    if (this.head === undefined) return this.baseSize;
    return this.head.value === undefined ? BASE_ABSENT : this.key.length + this.head.value.length;
  }
}

/** A CommonJS module: Node hands out its exports, some loaders (the tests' one) the class in them. */
const imported: unknown = sortedBtree;
const BTree = typeof imported === 'function' ? (imported as typeof sortedBtree.default) : sortedBtree.default;
type Pair = [Uint8Array, VersionChain];

/** To the tree: takes the entry out. */
const REMOVE = { delete: true };

/** The chains of one table in the order of their keys. */
export class Versions {
  /** Chains. */
  size = 0;
  /** Rises when a key comes or goes; iterators made before must not be used then. */
  structure = 0;
  /** Memory taken, about. */
  bytes = 0;
  readonly #tree = new BTree<Uint8Array, VersionChain>(undefined, compareBytes);

  get(key: Uint8Array): VersionChain | undefined {
    return this.size === 0 ? undefined : this.#tree.get(key);
  }

  /** The key must not be there. */
  add(chain: VersionChain): void {
    invariant(this.addIfAbsent(chain), 'a key has one chain');
  }

  /** False, and nothing has changed, when the key is there. */
  addIfAbsent(chain: VersionChain): boolean {
    if (!this.#tree.setIfNotPresent(chain.key, chain)) return false;
    this.size += 1;
    this.structure += 1;
    this.bytes += CHAIN_OVERHEAD_BYTES + chain.key.length;
    return true;
  }

  /** Puts a version on top; one at the same timestamp replaces the one before. */
  push(chain: VersionChain, at: Timestamp, value: Uint8Array | undefined): void {
    const { head } = chain;
    let growth = nodeBytes(value);
    if (head === undefined || head.at < at) {
      chain.head = { at, value, older: head };
    } else {
      invariant(head.at === at, () => `a version at ${at} below the newest one at ${head.at}`);
      chain.head = { at, value, older: head.older };
      growth -= nodeBytes(head.value);
    }
    this.bytes += growth;
  }

  /**
   * Cuts off `node` and everything older. Needs to be on the chain or to have been replaced. Returns the freed bytes. A chain
   * without versions is left: `removeEmpty` must follow before anything else happens.
   */
  cut(chain: VersionChain, node: VersionNode): number {
    let freed = 0;
    let above: VersionNode | undefined = undefined;
    let current = chain.head;
    while (current !== undefined && current !== node && current.at >= node.at) {
      above = current;
      current = current.older;
    }
    for (let rest = current; rest !== undefined; rest = rest.older) freed += nodeBytes(rest.value);
    if (above === undefined) chain.head = undefined;
    else above.older = undefined;
    this.bytes -= freed;
    return freed;
  }

  /**
   * Takes the chains between two keys, both included, that have no versions any more out of the tree: in one walk, since
   * to find each by itself costs several times as much. Returns the freed bytes.
   */
  removeEmpty(low: Uint8Array, high: Uint8Array): number {
    let freed = 0;
    let removed = 0;
    this.#tree.editRange(low, high, true, (key, chain) => {
      if (chain.head !== undefined) return undefined;
      freed += CHAIN_OVERHEAD_BYTES + key.length;
      removed += 1;
      return REMOVE;
    });
    if (removed > 0) this.structure += 1;
    this.size -= removed;
    this.bytes -= freed;
    return freed;
  }

  /** Takes off the versions above `ts`. Returns the freed bytes. */
  cutAbove(chain: VersionChain, ts: Timestamp): number {
    let freed = 0;
    while (chain.head !== undefined && chain.head.at > ts) {
      freed += nodeBytes(chain.head.value);
      chain.head = chain.head.older;
    }
    this.bytes -= freed;
    return freed + this.#removeIfEmpty(chain);
  }

  #removeIfEmpty(chain: VersionChain): number {
    if (chain.head !== undefined) return 0;
    this.#tree.delete(chain.key);
    this.size -= 1;
    this.structure += 1;
    this.bytes -= CHAIN_OVERHEAD_BYTES + chain.key.length;
    return CHAIN_OVERHEAD_BYTES + chain.key.length;
  }

  /** Chains in order, from the first key at or after `from` (at or before it when reverse). */
  iterate(from: Uint8Array | undefined, reverse: boolean): ChainIterator {
    const pair: [Uint8Array?, VersionChain?] = [];
    const reused = pair as Pair;
    return reverse ? this.#tree.entriesReversed(from, reused) : this.#tree.entries(from, reused);
  }

  /** All chains in order; safe against changes while iterating over it. */
  chains(): VersionChain[] {
    return this.size === 0 ? [] : this.#tree.valuesArray();
  }

  clear(): void {
    this.#tree.clear();
    this.size = 0;
    this.structure += 1;
    this.bytes = 0;
  }
}

/** Yields one pair again and again; valid until the next key comes or goes. */
export type ChainIterator = Iterator<readonly [Uint8Array, VersionChain]>;

function nodeBytes(value: Uint8Array | undefined): number {
  return NODE_OVERHEAD_BYTES + (value === undefined ? 0 : value.length);
}
