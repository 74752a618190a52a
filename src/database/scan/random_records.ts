/** A few documents of a large collection by chance, without reading the others: what `$sample` begins with. */
import type { Timestamp } from '../../base/optime.ts';
import { PAUSE, type Source } from '../../query/pipeline/source.ts';
import type { Collection } from '../catalog/collection.ts';
import { recordIdBytes, recordIdOf } from '../record_id.ts';
import type { Turn } from '../turn.ts';

/** Picking pays for up to this part of the documents. Source: the manual, "$sample (aggregation)". */
const SAMPLE_SHARE_MAX = 0.05;

/** Of smaller collections all are read. Source: the same. */
const COLLECTION_COUNT_MIN = 100;

/** Documents per record id that was ever given: with fewer, too many ids would lead nowhere. */
const DENSITY_MIN = 0.1;

interface RandomRecordsRequest {
  readonly collection: Collection;
  readonly size: number;
  readonly at: Timestamp;
  readonly turn: Turn;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Undefined when it is better to read the whole collection. */
export function randomRecords(request: RandomRecordsRequest): RandomRecords | undefined {
  const { collection, size } = request;
  const { count } = collection;
  const last = collection.documents.lastKey();
  if (last === undefined || count < COLLECTION_COUNT_MIN || size > count * SAMPLE_SHARE_MAX) return undefined;
  const lastId = recordIdOf(last);
  return count < lastId * DENSITY_MIN ? undefined : new RandomRecords(request, lastId);
}

class RandomRecords implements Source {
  readonly #request: RandomRecordsRequest;
  readonly #lastId: number;
  readonly #tried = new Set<number>();
  #at: Timestamp;
  #left: number;

  constructor(request: RandomRecordsRequest, lastId: number) {
    this.#request = request;
    this.#lastId = lastId;
    this.#at = request.at;
    this.#left = request.size;
  }

  next(): ReturnType<Source['next']> {
    const { collection, turn, random } = this.#request;
    while (this.#left > 0 && this.#tried.size < this.#lastId) {
      if (turn.isOver()) return PAUSE;
      const id = 1 + Math.floor(random() * this.#lastId);
      if (this.#tried.has(id)) continue;
      this.#tried.add(id);
      const document = collection.documentAt(recordIdBytes(id), this.#at);
      if (document === undefined) continue;
      this.#left -= 1;
      return document;
    }
    return undefined;
  }

  close(): void {
    this.#left = 0;
  }

  moveTo(at: Timestamp): void {
    this.#at = at;
  }
}
