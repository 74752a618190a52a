/** Counting what a query would return, without reading documents where the index alone tells. */
import type { Timestamp } from '../../base/optime.ts';
import type { CompiledFilter } from '../../query/matcher.ts';
import { matchSource } from '../../query/pipeline/match_stage.ts';
import { PAUSE, type Source } from '../../query/pipeline/source.ts';
import type { Collection } from '../catalog/collection.ts';
import { choosePlan, type Hint } from '../planner/plan.ts';
import type { CollectionQueries } from '../prepared/prepared_queries.ts';
import { planShaped } from '../prepared/shaped_filter.ts';
import type { Access, IndexAccess } from '../planner/access.ts';
import type { RecordScan } from '../scan/record_scan.ts';
import { RangeWalk } from '../scan/range_walk.ts';
import { openScan, ScanSource } from '../scan/scan.ts';
import type { Turn } from '../turn.ts';

export interface CountRequest {
  readonly collection: Collection;
  readonly filter: CompiledFilter;
  /** The filter as it was given, where strings are compared by their bytes, and those who keep how it was planned. */
  readonly kept?: { readonly queries: CollectionQueries; readonly filterBytes: Uint8Array } | undefined;
  readonly hint: Hint | undefined;
  readonly at: Timestamp;
  readonly turn: Turn;
  /** Counting ends here; Infinity when there is no limit. */
  readonly limit: number;
}

/** Whether the entries in the ranges are as many as the records. */
function countsKeys(access: Access): access is IndexAccess {
  if (access.kind !== 'index' || access.checks.length > 0) return false;
  return access.index?.isMultikey !== true && !access.bounds.candidate.isWildcard;
}

export class CountRun {
  readonly #request: CountRequest;
  readonly #walk: RangeWalk | undefined;
  readonly #source: Source | undefined;
  readonly #scan: RecordScan | undefined;
  count = 0;

  constructor(request: CountRequest) {
    const { collection, filter, hint, at, turn } = request;
    this.#request = request;
    const planned = { collection, filter, hint, sort: undefined, at };
    const { kept } = request;
    const { access, isExact } =
      kept === undefined ? choosePlan(planned) : planShaped(kept.queries, kept.filterBytes, planned);
    if (isExact && countsKeys(access)) {
      this.#walk = new RangeWalk(access.index?.table ?? collection.ids, access.ranges, false, at);
    } else {
      const work = filter.isSpecial ? undefined : filter.work;
      const matcher = isExact || work !== undefined ? undefined : filter.matcher;
      this.#scan = openScan({ collection, access, matcher, at, turn });
      const found = new ScanSource(this.#scan, collection.queries.all);
      this.#source = work === undefined ? found : matchSource(found, filter.matcher, work);
    }
  }

  /** Goes on until all is counted or its turn is over; then call it again. */
  advance(): 'done' | 'pause' {
    const { limit, turn } = this.#request;
    while (this.count < limit) {
      if (this.#walk !== undefined) {
        if (turn.isOver()) return 'pause';
        const entry = this.#walk.tryNext();
        if (entry === undefined) return 'done';
        if (entry === 'none') continue;
      } else {
        const document = this.#source?.next();
        if (document === PAUSE) return 'pause';
        if (document === undefined) return 'done';
      }
      this.count += 1;
    }
    return 'done';
  }

  /** After a pause. */
  moveTo(at: Timestamp): void {
    this.#walk?.moveTo(at);
    this.#scan?.moveTo(at);
  }
}
