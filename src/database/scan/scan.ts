/**
 * The bottom of every query: records from a plan, one at a time, already filtered. A scan looks at the clock, pauses
 * when its turn is over, and can be kept over turns; it then goes on behind the last record it returned.
 */
import type { Timestamp } from '../../base/optime.ts';
import { PAUSE, type Source } from '../../query/pipeline/source.ts';
import type { TableCursor } from '../../storage/table.ts';
import { ClusteredScan } from './clustered_scan.ts';
import { CollectionScan } from './collection_scan.ts';
import type { CachedChoice, PlanCache } from '../planner/plan_cache.ts';
import { TRIAL_RESULTS_MAX } from '../../base/limits.ts';
import { DistinctWalk } from './distinct_walk.ts';
import { RangeWalk } from './range_walk.ts';
import { ReadAhead, readRecordId } from './read_ahead.ts';
import type { Access, IndexAccess, UnionAccess } from '../planner/access.ts';
import type { QueryCounters } from '../query_counters.ts';
import { RECORD_ID_BYTES, recordIdOf } from '../record_id.ts';
import { CoveredDocument } from './covered_document.ts';
import { KeyTester } from '../planner/key_tester.ts';
import type { RecordScan, ScanTarget, Step } from './record_scan.ts';
import { MergeScan, UnionScan } from './union_scan.ts';

export interface ScanRequest extends ScanTarget {
  readonly access: Access;
  /** The plan is only tried. */
  readonly isTrial?: boolean;
}

const NONE = new Uint8Array(0);

/** Where fewer records are wanted, none are read ahead. */
const READ_AHEAD_MIN = 8;

export function openScan(request: ScanRequest): RecordScan {
  const { access } = request;
  switch (access.kind) {
    case 'id':
      request.collection.idIndexUses += 1;
      return new IdLookup(request, access.key);
    case 'collection':
      if (request.collection.clusteredIndex !== undefined) {
        request.collection.countScan();
        return new ClusteredScan(request, access.reverse);
      }
      return new CollectionScan(request, access.reverse);
    case 'special':
      return access.open(request);
    case 'index':
      countUse(request, access);
      return new IndexScan(request, access);
    case 'union':
      return access.order === undefined
        ? new UnionScan(request, scansOf(request, access))
        : new MergeScan(request, scansOf(request, access), access.order);
  }
}

/** The branches of a union. The documents are tested above them. */
function scansOf(request: ScanRequest, { branches }: UnionAccess): RecordScan[] {
  return branches.map(({ access }) => {
    countUse(request, access);
    return new IndexScan({ ...request, matcher: undefined }, access);
  });
}

/** As `$indexStats` counts. */
function countUse({ collection, isTrial }: ScanRequest, { index }: IndexAccess): void {
  if (isTrial === true) return;
  if (index === undefined) collection.idIndexUses += 1;
  else index.uses += 1;
}

/** A scan as the pipeline sees it: documents only. */
export class ScanSource implements Source {
  readonly #scan: RecordScan;
  readonly #counters: QueryCounters;
  readonly #cached: CachedPlan | undefined;
  #results = 0;

  /** `cached`: where the plan was found, which is told how it does. */
  constructor(scan: RecordScan, counters: QueryCounters, cached?: CachedPlan) {
    this.#scan = scan;
    this.#counters = counters;
    this.#cached = cached;
  }

  next(): Uint8Array | undefined | typeof PAUSE {
    switch (this.#scan.advance()) {
      case 'record':
        this.#results += 1;
        if (this.#results === TRIAL_RESULTS_MAX) this.#noteWorks();
        return this.#scan.document;
      case 'pause':
        return PAUSE;
      case 'end':
        return undefined;
    }
  }

  close(): void {
    const { keysExamined = 0, docsExamined = 0 } = this.#scan;
    this.#counters.keysExamined += keysExamined;
    this.#counters.documentsExamined += docsExamined;
    if (this.#results < TRIAL_RESULTS_MAX) this.#noteWorks();
  }

  #noteWorks(): void {
    const { keysExamined = 0, docsExamined = 0 } = this.#scan;
    this.#cached?.plans.noteWorks(this.#cached.choice, Math.max(keysExamined, docsExamined));
  }
}

/** A plan that was taken from the cache. */
interface CachedPlan {
  readonly plans: PlanCache;
  readonly choice: CachedChoice;
}

/** At most one record, by the key of its `_id`. */
class IdLookup implements RecordScan {
  recordId: Uint8Array = NONE;
  document: Uint8Array = NONE;
  keysExamined = 0;
  docsExamined = 0;
  readonly #request: ScanRequest;
  readonly #key: Uint8Array;
  #at: Timestamp;
  #isDone = false;

  constructor(request: ScanRequest, key: Uint8Array) {
    this.#request = request;
    this.#key = key;
    this.#at = request.at;
  }

  advance(): Step {
    if (this.#isDone) return 'end';
    this.#isDone = true;
    const { collection, matcher } = this.#request;
    const recordId = collection.recordOf(this.#key, this.#at);
    if (recordId === undefined) return 'end';
    this.keysExamined = 1;
    this.docsExamined = 1;
    const document = collection.documentAt(recordId, this.#at);
    if (document === undefined) return 'end';
    if (matcher !== undefined && !matcher.matches(document, 0)) return 'end';
    this.recordId = recordId;
    this.document = document;
    return 'record';
  }

  moveTo(at: Timestamp): void {
    this.#at = at;
  }
}

/** Whether a record may be listed more than once. */
function isRepeating({ index, bounds }: IndexAccess): boolean {
  return index?.isMultikey === true || bounds.candidate.isWildcard;
}

/** Ranges of an index. A multikey index lists a record several times; it is returned once. */
class IndexScan implements RecordScan {
  document: Uint8Array = NONE;
  entry: Uint8Array = NONE;
  keysExamined = 0;
  docsExamined = 0;
  readonly #request: ScanTarget;
  readonly #isIdIndex: boolean;
  readonly #tester: KeyTester | undefined;
  readonly #covered: CoveredDocument | undefined;
  readonly #ranges: RangeWalk;
  readonly #distinct: DistinctWalk | undefined;
  readonly #ahead: ReadAhead | undefined;
  readonly #seen: Set<number> | undefined;
  /** Overwritten by every step. */
  readonly #recordId = new Uint8Array(RECORD_ID_BYTES);
  #at: Timestamp;

  constructor(request: ScanTarget, access: IndexAccess) {
    const { index, ranges, reverse } = access;
    const { collection, at, wanted = 0, isCovered } = request;
    this.#request = request;
    this.#isIdIndex = index === undefined;
    this.#at = at;
    this.#ranges = new RangeWalk(index?.table ?? collection.ids, ranges, reverse, at);
    this.#seen = isRepeating(access) ? new Set() : undefined;
    this.#tester = KeyTester.of(access);
    const { fields } = access.bounds.candidate;
    this.#distinct = access.distinct && new DistinctWalk(this.#ranges, fields, access.distinct);
    this.#covered = isCovered === true ? new CoveredDocument(fields) : undefined;
    const isWhole = this.#seen === undefined && this.#covered === undefined && this.#distinct === undefined;
    // What is read ahead is what the walk steps on: it must not seek.
    const isPlain = isWhole && access.checks.length === 0;
    if (wanted > READ_AHEAD_MIN && isPlain) {
      this.#ahead = new ReadAhead(collection, this.#ranges, { at, isIdIndex: this.#isIdIndex, wanted });
    }
  }

  advance(): Step {
    const { turn } = this.#request;
    for (;;) {
      if (turn.isOver()) return 'pause';
      const cursor = this.#distinct === undefined ? this.#ranges.tryNext() : this.#distinct.next();
      if (cursor === undefined) return 'end';
      if (cursor === 'none' || cursor === 'other') continue;
      this.keysExamined += 1;
      this.#ahead?.step();
      if (this.#take(cursor)) return 'record';
      this.#distinct?.refuse();
    }
  }

  /** Whether the entry leads to a record that is wanted. */
  #take(cursor: TableCursor): boolean {
    const { matcher } = this.#request;
    const recordId = this.#recordId;
    readRecordId(cursor, this.#isIdIndex, recordId);
    if (this.#seen?.has(recordIdOf(recordId)) === true) return false;
    if (this.#tester?.passes(cursor.keyBytes, cursor.keyEnd) === false) {
      const next = this.#tester.seekAfter(cursor.keyBytes);
      if (next !== undefined) this.#ranges.seek(next);
      return false;
    }
    const document = this.#coveredBy(cursor) ?? this.#documentAt(recordId);
    if (document === undefined) return false;
    if (matcher !== undefined && !matcher.matches(document, 0)) return false;
    this.#seen?.add(recordIdOf(recordId));
    this.document = document;
    return true;
  }

  get recordId(): Uint8Array {
    return this.#recordId.slice();
  }

  /** An entry with a value does not tell everything: its document is read. */
  #coveredBy(cursor: TableCursor): Uint8Array | undefined {
    if (this.#covered === undefined || cursor.valueEnd > cursor.valueStart) return undefined;
    return this.#covered.from(cursor.keyBytes);
  }

  #documentAt(recordId: Uint8Array): Uint8Array | undefined {
    this.docsExamined += 1;
    if (this.#ahead !== undefined) return this.#ahead.documentAt(recordId);
    return this.#request.collection.documentAt(recordId, this.#at);
  }

  moveTo(at: Timestamp): void {
    this.#at = at;
    this.#ranges.moveTo(at);
    this.#ahead?.moveTo(at);
  }
}
