/** One update statement while it is carried out: finds its documents and changes them, or inserts the upsert. */
import type { RawValue } from '../../bson/value.ts';
import { upsertDocument, type CompiledUpdate, type UpdateContext } from '../../query/update.ts';
import type { Collection } from '../catalog/collection.ts';
import { idOf, insertableDocument } from '../insertable.ts';
import type { MemberData } from '../member_data.ts';
import { recordIdOf } from '../record_id.ts';
import type { Turn } from '../turn.ts';
import { createCollection } from '../write/write_catalog.ts';
import { insertDocument, updateDocument, type FoundRecord } from '../write/write_documents.ts';
import type { Statement } from '../write/write_log.ts';
import { withImage, WriteScan, type WriteTargets } from './write_scan.ts';

export interface UpdateStatement extends WriteTargets {
  readonly update: CompiledUpdate;
  readonly isUpsert: boolean;
  /** Of a retryable write. */
  readonly statement: Statement | undefined;
  /** Which image a repeated findAndModify will want. */
  readonly image: 'pre' | 'post' | undefined;
  readonly bypassesValidation?: boolean;
  /** Empty timestamps in replacements are not filled in; what operators and pipelines make never is. */
  readonly keepsEmptyTimestamps?: boolean;
}

export class UpdateRun {
  readonly #data: MemberData;
  readonly #ns: string;
  readonly #spec: UpdateStatement;
  readonly #context: UpdateContext;
  readonly #scan: WriteScan;
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
    this.#context = data.updateContext(spec.filter, spec.keepsEmptyTimestamps);
    this.#scan = new WriteScan(data, ns, spec, turn);
  }

  /** Goes on until it is done or its turn is over; then call it again. Throws what the statement fails with. */
  advance(): 'done' | 'pause' {
    if (this.#scan.advance((collection, found) => this.#apply(collection, found)) === 'pause') return 'pause';
    if (this.matched === 0 && this.#spec.isUpsert) this.#upsert();
    return 'done';
  }

  #wasChanged(recordId: Uint8Array): boolean {
    this.#changed ??= new Set();
    const id = recordIdOf(recordId);
    if (this.#changed.has(id)) return true;
    this.#changed.add(id);
    return false;
  }

  #apply(collection: Collection, found: FoundRecord): void {
    const { update, isMulti, statement, image, bypassesValidation } = this.#spec;
    if (isMulti && this.#wasChanged(found.recordId)) return;
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
    // A replacement has its timestamps by now.
    const document = insertableDocument(upsertDocument(filter, update, this.#context), 0, this.#data, true);
    const collection = this.#data.catalog.find(this.#ns) ?? createCollection(this.#data, this.#ns);
    insertDocument(this.#data, collection, document, { statement, bypassesValidation });
    this.upserted = idOf(document);
    this.after = document;
    this.matched = 1;
  }
}
