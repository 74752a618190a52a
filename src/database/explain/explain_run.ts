/** Running a query only to see what it does: nothing is returned, and nothing is changed. */
import { invariant } from '../../base/invariant.ts';
import type { Turn } from '../turn.ts';
import { PAUSE, type Source } from '../../query/pipeline/source.ts';
import { openPlanned, type PlannedQuery } from '../run/running_query.ts';
import type { Collection } from '../catalog/collection.ts';
import type { Plan } from '../planner/access.ts';
import type { RecordScan, Step } from '../scan/record_scan.ts';
import { shapeOf, type ExplainedQuery, type QueryRun } from './query_stages.ts';

export class ExplainRun implements QueryRun, Source {
  readonly scan: CountingScan;
  readonly #query: PlannedQuery;
  readonly #most: number;
  /** What is asked for documents: the query, or what is above it. */
  readonly #top: Source;
  returned = 0;
  isEnded = false;

  constructor(query: ExplainedQuery, collection: Collection, { plan, turn, most, through }: RunOptions) {
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
      shape: shapeOf(query, plan),
    };
    this.#query = openPlanned(request, plan, (scan) => counting.over(scan));
    this.scan = counting;
    this.#most = most;
    this.#top = through === undefined ? this : through(this);
  }

  get found(): number {
    return this.scan.found;
  }

  get foundBytes(): number {
    return this.scan.foundBytes;
  }

  next(): ReturnType<Source['next']> {
    const document = this.#query.source.next();
    if (document === undefined) this.isEnded = true;
    else if (document !== PAUSE) this.returned += 1;
    return document;
  }

  close(): void {
    this.#query.source.close();
  }

  advance(): 'done' | 'pause' {
    while (this.returned < this.#most) {
      const document = this.#top.next();
      if (document === PAUSE) return 'pause';
      if (document === undefined) return 'done';
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
  /** Documents after which it stops. */
  readonly most: number;
  /** Puts stages of a pipeline over the query. */
  readonly through?: ((source: Source) => Source) | undefined;
}

/** Writes that take one document stop at the first. */
function limitOf({ purpose, limit }: ExplainedQuery): number {
  if (purpose.kind !== 'update' && purpose.kind !== 'delete') return limit;
  return purpose.isMulti ? Infinity : 1;
}

/** Counts what a scan gives. */
class CountingScan implements RecordScan {
  found = 0;
  foundBytes = 0;
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
    if (step === 'record') {
      this.found += 1;
      this.foundBytes += this.document.length;
    }
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
