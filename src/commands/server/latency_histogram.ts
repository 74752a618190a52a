/** How long operations of one kind took: their number, their sum, and how they are spread. */
import type { BsonWriter } from '../../bson/writer.ts';

/** In microseconds, where each bucket begins: powers of two, halved once more where most operations of a disk lie. */
const BUCKETS: readonly number[] = [0, ...powers(1, 11), ...halvedPowers(11, 21), ...powers(21, 41)];

function powers(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => 2 ** (from + i));
}

function halvedPowers(from: number, to: number): number[] {
  return powers(from, to).flatMap((bound) => [bound, bound * 1.5]);
}

export class LatencyHistogram {
  operations = 0;
  micros = 0;
  readonly #counts: number[] = [];

  add(micros: number): void {
    this.operations += 1;
    this.micros += micros;
    const bucket = bucketOf(micros);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
  }

  /** Into the document that is open. Empty buckets are left out. */
  write(writer: BsonWriter, showsBuckets: boolean): void {
    if (showsBuckets) {
      writer.startArray('histogram');
      let shown = 0;
      for (const [bucket, count] of this.#counts.entries()) {
        if (count === undefined) continue;
        writer.startSubdocument(shown++).int64('micros', BUCKETS[bucket]).int64('count', count).end();
      }
      writer.end();
    }
    writer.int64('latency', this.micros).int64('ops', this.operations).int64('queryableEncryptionLatencyMicros', 0);
  }
}

/** The last that begins at or before it. */
function bucketOf(micros: number): number {
  let low = 0;
  let high = BUCKETS.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (BUCKETS[middle] <= micros) low = middle;
    else high = middle;
  }
  return low;
}
