/** The documents that an update or a delete is about, as a primary finds them: always in the newest state. */
import { CommandError } from '../../base/command_error.ts';
import { invariant } from '../../base/invariant.ts';
import { TIMESTAMP_MAX } from '../../base/optime.ts';
import type { CompiledFilter } from '../../query/matcher.ts';
import { Pace } from '../../query/pace.ts';
import type { SortSpec } from '../../query/sort.ts';
import type { Collection } from '../catalog/collection.ts';
import type { MemberData } from '../member_data.ts';
import { isInOrder, type Hint, type Plan } from '../planner/plan.ts';
import { planShaped } from '../prepared/shaped_filter.ts';
import type { RecordScan } from '../scan/record_scan.ts';
import { openScan } from '../scan/scan.ts';
import { refuseTextWithoutCollection } from '../text_without_collection.ts';
import type { Turn } from '../turn.ts';
import { refuseView } from '../catalog/views.ts';
import { findById, type FoundRecord } from '../write/write_documents.ts';
import type { Statement } from '../write/write_log.ts';

/** Which documents a statement is about. */
export interface WriteTargets {
  readonly filter: CompiledFilter;
  /** The filter as it was given, where strings are compared by their bytes: how it was planned serves others of its shape. */
  readonly filterBytes?: Uint8Array | undefined;
  readonly isMulti: boolean;
  readonly hint: Hint | undefined;
  /** Which document a single statement takes; undefined: the first that is found. */
  readonly sort: SortSpec | undefined;
}

/** Changes a document, in the same turn in which it was found. */
export type WriteOne = (collection: Collection, found: FoundRecord) => void;

export class WriteScan {
  readonly #data: MemberData;
  readonly #ns: string;
  readonly #targets: WriteTargets;
  readonly #turn: Turn;
  /** Of writing, which takes longer than what the scan's own pace goes by. */
  readonly #pace: Pace;
  #scan: RecordScan | undefined;
  /** What the scan is over: it may be dropped and made anew between two turns. */
  #scanned: Collection | undefined;

  constructor(data: MemberData, ns: string, targets: WriteTargets, turn: Turn) {
    this.#data = data;
    this.#ns = ns;
    this.#targets = targets;
    this.#turn = turn;
    this.#pace = new Pace(turn);
  }

  /**
   * Hands the documents to `write`: all of them, or the first one. Goes on until it is done or its turn is over; then
   * call it again. Throws what `write` throws, and QueryPlanKilled when the collection went away in between.
   */
  advance(write: WriteOne): 'done' | 'pause' {
    const collection = this.#data.catalog.find(this.#ns);
    if (collection === undefined) {
      refuseView(this.#data.catalog, this.#ns);
      refuseTextWithoutCollection(this.#targets.filter, this.#ns);
      return 'done';
    }
    if (this.#scan === undefined) {
      const plan = this.#plan(collection);
      const { access, isExact } = plan;
      if (access.kind === 'id') {
        const found = findById(collection, access.key);
        if (found === undefined) return 'done';
        if (isExact || this.#targets.filter.matcher.matches(found.document, 0)) write(collection, found);
        return 'done';
      }
      this.#scan = this.#open(collection, plan);
    }
    return this.#scanOn(collection, this.#scan, write);
  }

  #plan(collection: Collection): Plan {
    const { filter, filterBytes, hint, sort } = this.#targets;
    const request = { collection, filter, hint, sort: sort?.indexFields, at: TIMESTAMP_MAX };
    return planShaped(this.#data.prepared.of(collection), sort === undefined ? filterBytes : undefined, request);
  }

  #scanOn(collection: Collection, opened: RecordScan, write: WriteOne): 'done' | 'pause' {
    let scan = opened;
    const scanned = this.#scanned ?? collection;
    if (scanned.gone !== undefined) throw new CommandError('QueryPlanKilled', scanned.gone);
    for (;;) {
      const step = scan.advance();
      if (step === 'pause') return 'pause';
      if (step === 'end') return 'done';
      const { recordId } = scan;
      const document = this.#current(scanned, scan);
      if (document === undefined) {
        scan = this.#open(scanned, this.#plan(scanned));
        this.#scan = scan;
        continue;
      }
      write(scanned, { recordId, document });
      if (!this.#targets.isMulti) return 'done';
      if (this.#pace.isOver()) return 'pause';
    }
  }

  #open(collection: Collection, plan: Plan): RecordScan {
    this.#scanned = collection;
    const { filter, sort } = this.#targets;
    const matcher = plan.isExact ? undefined : filter.matcher;
    const scan = openScan({ collection, access: plan.access, matcher, at: TIMESTAMP_MAX, turn: this.#turn });
    return sort === undefined || isInOrder(plan, sort) ? scan : new FirstInOrder(scan, sort);
  }

  /** Undefined when what sorting chose has changed while it went on over several turns: it is to be chosen again. */
  #current(collection: Collection, scan: RecordScan): Uint8Array | undefined {
    if (!(scan instanceof FirstInOrder)) return scan.document;
    const document = collection.documentAt(scan.recordId, TIMESTAMP_MAX);
    return document !== undefined && this.#targets.filter.matcher.matches(document, 0) ? document : undefined;
  }
}

/** Scans everything, then shows the one record that is first by the sort keys. */
class FirstInOrder implements RecordScan {
  readonly #scan: RecordScan;
  readonly #sort: SortSpec;
  #best: (FoundRecord & { readonly key: Uint8Array }) | undefined;
  #isDone = false;

  constructor(scan: RecordScan, sort: SortSpec) {
    this.#scan = scan;
    this.#sort = sort;
  }

  get recordId(): Uint8Array {
    invariant(this.#best !== undefined, 'there is a record');
    return this.#best.recordId;
  }

  get document(): Uint8Array {
    invariant(this.#best !== undefined, 'there is a record');
    return this.#best.document;
  }

  advance(): 'record' | 'end' | 'pause' {
    if (this.#isDone) return 'end';
    for (;;) {
      const step = this.#scan.advance();
      if (step === 'pause') return 'pause';
      if (step === 'end') break;
      const { recordId, document } = this.#scan;
      const key = this.#sort.key(document, 0);
      if (this.#best === undefined || this.#sort.compare(key, this.#best.key) < 0)
        this.#best = { recordId, document, key };
    }
    this.#isDone = true;
    return this.#best === undefined ? 'end' : 'record';
  }

  moveTo(): void {}
}

/** The statement with the document that a repeated findAndModify returns. */
export function withImage(
  statement: Statement | undefined,
  image: 'pre' | 'post' | undefined,
  before: Uint8Array,
  after: Uint8Array,
): Statement | undefined {
  if (statement === undefined || image === undefined) return statement;
  return { ...statement, image: { kind: image, document: image === 'pre' ? before : after } };
}
