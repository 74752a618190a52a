/** One delete statement while it is carried out. */
import { CommandError } from '../base/command_error.ts';
import { TIMESTAMP_MAX } from '../base/optime.ts';
import type { CompiledFilter } from '../query/matcher.ts';
import type { SortSpec } from '../query/sort.ts';
import type { Collection } from './collection.ts';
import type { MemberData } from './member_data.ts';
import { choosePlan, isInOrder, type Hint } from './plan.ts';
import type { RecordScan } from './record_scan.ts';
import { openScan } from './scan.ts';
import type { Turn } from './turn.ts';
import { FirstInOrder, withImage } from './update_run.ts';
import { refuseView } from './views.ts';
import { deleteDocument, findById, type FoundRecord } from './write_documents.ts';
import type { Statement } from './write_log.ts';

export interface DeleteStatement {
  readonly filter: CompiledFilter;
  readonly isMulti: boolean;
  readonly hint: Hint | undefined;
  readonly sort: SortSpec | undefined;
  readonly statement: Statement | undefined;
  /** Whether the removed document is logged for a repeated findAndModify. */
  readonly image: 'pre' | undefined;
}

export class DeleteRun {
  readonly #data: MemberData;
  readonly #ns: string;
  readonly #spec: DeleteStatement;
  readonly #turn: Turn;
  #scan: RecordScan | undefined;
  /** What the scan is over: it may be dropped and made anew between two turns. */
  #scanned: Collection | undefined;
  deleted = 0;
  /** Of a single delete: the document that is gone. */
  removed: Uint8Array | undefined;

  constructor(data: MemberData, ns: string, spec: DeleteStatement, turn: Turn) {
    this.#data = data;
    this.#ns = ns;
    this.#spec = spec;
    this.#turn = turn;
  }

  /** Goes on until it is done or its turn is over; then call it again. */
  advance(): 'done' | 'pause' {
    const collection = this.#data.catalog.find(this.#ns);
    if (collection === undefined) {
      refuseView(this.#data.catalog, this.#ns);
      return 'done';
    }
    const { filter, hint, isMulti } = this.#spec;
    const id = hint === undefined ? collection.pointId(filter, TIMESTAMP_MAX) : undefined;
    if (id !== undefined) {
      const found = findById(collection, collection.idKeyView(id));
      if (found !== undefined && filter.matcher.matches(found.document, 0)) this.#remove(collection, found);
      return 'done';
    }
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
      this.#remove(scanned, { recordId, document });
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

  #remove(collection: Collection, found: FoundRecord): void {
    const { statement, image } = this.#spec;
    const logged = withImage(statement, image, found.document, found.document);
    deleteDocument(this.#data, collection, found, logged);
    this.deleted += 1;
    this.removed = found.document;
  }
}
