import { invariant } from '../base/invariant.ts';
import type { OpTime, Timestamp } from '../base/optime.ts';

/** Older points are thinned out beyond this many. */
const POINTS_MAX = 512;

/** The optimes up to which the data was stable, ascending: where a checkpoint may be taken. */
export class StablePoints {
  #points: OpTime[];

  /** @param first the last checkpoint */
  constructor(first: OpTime) {
    this.#points = [first];
  }

  get newest(): OpTime {
    return this.#points[this.#points.length - 1];
  }

  /** Does nothing unless `optime` is above the newest. */
  add(optime: OpTime): void {
    if (optime.ts <= this.newest.ts) return;
    this.#points.push(optime);
    if (this.#points.length > POINTS_MAX)
      this.#points = this.#points.filter((_, i, all) => i % 2 === 0 || i === all.length - 1);
  }

  /** The newest at or below `ts`; undefined when all are above. */
  newestUpTo(ts: Timestamp): OpTime | undefined {
    for (let i = this.#points.length - 1; i >= 0; i--) {
      if (this.#points[i].ts <= ts) return this.#points[i];
    }
    return undefined;
  }

  /** Forgets what a rollback to `ts` undoes. */
  dropAbove(ts: Timestamp): void {
    const kept = this.#points.filter((point) => point.ts <= ts);
    invariant(kept.length > 0, 'a rollback does not pass the checkpoint');
    this.#points = kept;
  }

  /** Forgets what is below the checkpoint at `ts`. */
  dropBelow(ts: Timestamp): void {
    const kept = this.#points.filter((point) => point.ts >= ts);
    if (kept.length > 0) this.#points = kept;
  }
}
