/** Running a query only to see what it does: nothing is returned, and nothing is changed. */
import { invariant } from '../../base/invariant.ts';
import type { Turn } from '../turn.ts';
import { PAUSE } from '../../query/pipeline/source.ts';
import { openPlanned, type PlannedQuery } from '../running_query.ts';
import type { Collection } from '../collection.ts';
import type { Plan } from '../planner/access.ts';
import type { RecordScan, Step } from '../record_scan.ts';
import type { ExplainedQuery, QueryRun } from './query_stages.ts';

export class ExplainRun implements QueryRun {
  readonly scan: CountingScan;
  readonly #query: PlannedQuery;
  readonly #most: number;
  returned = 0;
  isEnded = false;

  /** `most`: documents after which it stops. */
  constructor(query: ExplainedQuery, collection: Collection, { plan, turn, most }: RunOptions) {
    const { filter, sort, hint, at } = query;
    const limit = limitOf(query);
    const counting = new CountingScan();
    const request = {
      collection,
      filter,
      sort,
      hint,
      projection: undefined,
      skip: query.skip,
      limit,
      at,
      turn,
      shape: shapeOf(query),
    };
    this.#query = openPlanned(request, plan, (scan) => counting.over(scan));
    this.scan = counting;
    this.#most = most;
  }

  get found(): number {
    return this.scan.found;
  }

  advance(): 'done' | 'pause' {
    while (this.returned < this.#most) {
      const document = this.#query.source.next();
      if (document === PAUSE) return 'pause';
      if (document === undefined) {
        this.isEnded = true;
        return 'done';
      }
      this.returned += 1;
    }
    return 'done';
  }

  moveTo(at: ExplainedQuery['at']): void {
    this.#query.moveTo(at);
  }
}

interface RunOptions {
  readonly plan: Plan;
  readonly turn: Turn;
  readonly most: number;
}

function shapeOf({ projection, purpose }: ExplainedQuery): ExplainedQuery['projection'] {
  return purpose.kind === 'find' ? projection : undefined;
}

/** Writes that take one document stop at the first. */
function limitOf({ purpose, limit }: ExplainedQuery): number {
  if (purpose.kind !== 'update' && purpose.kind !== 'delete') return limit;
  return purpose.isMulti ? Infinity : 1;
}

/** Counts what a scan gives. */
class CountingScan implements RecordScan {
  found = 0;
  #scan: RecordScan | undefined;

  over(scan: RecordScan): this {
    this.#scan = scan;
    return this;
  }

  get recordId(): Uint8Array {
    return this.#below.recordId;
  }

  get document(): Uint8Array {
    return this.#below.document;
  }

  get keysExamined(): number {
    return this.#below.keysExamined ?? 0;
  }

  get docsExamined(): number {
    return this.#below.docsExamined ?? 0;
  }

  get parts(): readonly RecordScan[] {
    return this.#below.parts ?? [];
  }

  advance(): Step {
    const step = this.#below.advance();
    if (step === 'record') this.found += 1;
    return step;
  }

  moveTo(at: ExplainedQuery['at']): void {
    this.#below.moveTo(at);
  }

  get #below(): RecordScan {
    invariant(this.#scan !== undefined, 'the scan was opened');
    return this.#scan;
  }
}
