/** One update statement while it is carried out: finds its documents and changes them, or inserts the upsert. */
import { CommandError } from '../base/command_error.ts';
import { invariant } from '../base/invariant.ts';
import { TIMESTAMP_MAX } from '../base/optime.ts';
import type { RawValue } from '../bson/value.ts';
import type { CompiledFilter } from '../query/matcher.ts';
import type { SortSpec } from '../query/sort.ts';
import { upsertDocument, type CompiledUpdate, type UpdateContext } from '../query/update.ts';
import type { Collection } from './collection.ts';
import { idOf, insertableDocument } from './insertable.ts';
import type { MemberData } from './member_data.ts';
import { choosePlan, isInOrder, type Hint } from './plan.ts';
import { recordIdOf } from './record_id.ts';
import type { RecordScan } from './record_scan.ts';
import { openScan } from './scan.ts';
import type { Turn } from './turn.ts';
import { refuseView } from './views.ts';
import { findById, insertDocument, updateDocument, type FoundRecord } from './write_documents.ts';
import { createCollection } from './write_catalog.ts';
import type { Statement } from './write_log.ts';

export interface UpdateStatement {
  readonly filter: CompiledFilter;
  readonly update: CompiledUpdate;
  readonly isMulti: boolean;
  readonly isUpsert: boolean;
  readonly hint: Hint | undefined;
  /** Which document a single update takes; undefined: the first that is found. */
  readonly sort: SortSpec | undefined;
  /** Of a retryable write. */
  readonly statement: Statement | undefined;
  /** Which image a repeated findAndModify will want. */
  readonly image: 'pre' | 'post' | undefined;
  readonly bypassesValidation?: boolean;
}

export class UpdateRun {
  readonly #data: MemberData;
  readonly #ns: string;
  readonly #spec: UpdateStatement;
  readonly #turn: Turn;
  readonly #context: UpdateContext;
  #scan: RecordScan | undefined;
  /** What the scan is over: it may be dropped and made anew between two turns. */
  #scanned: Collection | undefined;
  /** Records a multi update has changed: an index may show them again under their new keys. */
  #changed: Set<number> | undefined;
  /** Documents that matched, and those that were changed. */
  matched = 0;
  modified = 0;
  /** The `_id` of the inserted document. */
  upserted: RawValue | undefined;
  /** Of a single update: the document before and after. */
  before: Uint8Array | undefined;
  after: Uint8Array | undefined;

  constructor(data: MemberData, ns: string, spec: UpdateStatement, turn: Turn) {
    this.#data = data;
    this.#ns = ns;
    this.#spec = spec;
    this.#turn = turn;
    this.#context = data.updateContext(spec.filter);
  }

  /** Goes on until it is done or its turn is over; then call it again. Throws what the statement fails with. */
  advance(): 'done' | 'pause' {
    const collection = this.#data.catalog.find(this.#ns);
    if (collection !== undefined) {
      const step = this.#advanceIn(collection);
      if (step === 'pause') return 'pause';
    } else {
      refuseView(this.#data.catalog, this.#ns);
    }
    if (this.matched === 0 && this.#spec.isUpsert) this.#upsert();
    return 'done';
  }

  #advanceIn(collection: Collection): 'done' | 'pause' {
    const { filter, hint } = this.#spec;
    const id = hint === undefined ? collection.pointId(filter, TIMESTAMP_MAX) : undefined;
    if (id === undefined) return this.#scanOn(collection);
    const found = findById(collection, collection.idKeyView(id));
    if (found !== undefined && filter.matcher.matches(found.document, 0)) this.#apply(collection, found);
    return 'done';
  }

  #scanOn(collection: Collection): 'done' | 'pause' {
    const { isMulti } = this.#spec;
    this.#scan ??= this.#open(collection);
    const scanned = this.#scanned ?? collection;
    if (scanned.gone !== undefined) throw new CommandError('QueryPlanKilled', scanned.gone);
    for (;;) {
      const step = this.#scan.advance();
      if (step === 'pause') return 'pause';
      if (step === 'end') return 'done';
      const { recordId } = this.#scan;
      const document = this.#current(scanned, this.#scan);
      if (document === undefined) continue;
      if (isMulti && this.#wasChanged(recordId)) continue;
      this.#apply(collection, { recordId, document });
      if (!isMulti) return 'done';
    }
  }

  #open(collection: Collection): RecordScan {
    this.#scanned = collection;
    const { filter, hint, sort } = this.#spec;
    const plan = choosePlan({ collection, filter, hint, sort: sort?.indexFields, at: TIMESTAMP_MAX });
    const { access } = plan;
    const scan = openScan({ collection, access, matcher: filter.matcher, at: TIMESTAMP_MAX, turn: this.#turn });
    return sort === undefined || isInOrder(plan, sort) ? scan : new FirstInOrder(scan, sort);
  }

  /** What sorting chose may have changed while it went on over several turns: then it is chosen again. */
  #current(collection: Collection, scan: RecordScan): Uint8Array | undefined {
    if (!(scan instanceof FirstInOrder)) return scan.document;
    const document = collection.documentAt(scan.recordId, TIMESTAMP_MAX);
    if (document !== undefined && this.#spec.filter.matcher.matches(document, 0)) return document;
    this.#scan = this.#open(collection);
    return undefined;
  }

  #wasChanged(recordId: Uint8Array): boolean {
    this.#changed ??= new Set();
    const id = recordIdOf(recordId);
    if (this.#changed.has(id)) return true;
    this.#changed.add(id);
    return false;
  }

  #apply(collection: Collection, found: FoundRecord): void {
    const { update, statement, image, bypassesValidation } = this.#spec;
    const result = update.apply(found.document, this.#context);
    this.matched += 1;
    this.before = found.document;
    this.after = found.document;
    if (result.kind === 'noop') return;
    this.after = result.document;
    updateDocument(this.#data, collection, found, {
      document: result.document,
      diff: result.diff,
      statement: withImage(statement, image, found.document, result.document),
      bypassesValidation,
    });
    this.modified += 1;
  }

  #upsert(): void {
    const { filter, update, statement, bypassesValidation } = this.#spec;
    const document = insertableDocument(upsertDocument(filter, update, this.#context), 0, this.#data);
    const collection = this.#data.catalog.find(this.#ns) ?? createCollection(this.#data, this.#ns);
    insertDocument(this.#data, collection, document, { statement, bypassesValidation });
    this.upserted = idOf(document);
    this.after = document;
    this.matched = 1;
  }
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

/** Scans everything, then shows the one record that is first by the sort keys. */
export class FirstInOrder implements RecordScan {
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
