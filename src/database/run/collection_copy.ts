/**
 * A copy of a whole collection, made beside running writes, that takes the place of a name in one step: what
 * convertToCapped, cloneCollectionAsCapped and a rename into another database have in common.
 *
 * Documents go over in their natural order into a temporary collection. In every turn the oplog is read first, and what
 * was changed or removed behind the copy is made up for; in the turn that comes to the end the copy gets its name.
 */
import { CommandError } from '../../base/command_error.ts';
import { equalBytes, fieldName } from '../../bson/bytes.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { EntryView } from '../../oplog/entry.ts';
import type { OplogReader } from '../../oplog/oplog_reader.ts';
import type { TableCursor } from '../../storage/table.ts';
import { databaseOf, type Collection } from '../catalog/collection.ts';
import type { Index } from '../index/index.ts';
import type { IndexSpec } from '../index_kinds/index_kind.ts';
import { ID_NAME } from '../insertable.ts';
import type { MemberData } from '../member_data.ts';
import { temporaryOptions } from '../catalog/temporary.ts';
import type { Turn } from '../turn.ts';
import { newUuid, uuidText } from '../uuid.ts';
import { createCollection, createEmptyIndex, dropCollection, renameCollection } from '../write/write_catalog.ts';
import { deleteDocument, findById, insertDocument, updateDocument } from '../write/write_documents.ts';

export interface CopyRequest {
  readonly source: Collection;
  /** The name it gets; the collection that has it is dropped with the same entry. */
  readonly to: string;
  readonly options: Uint8Array;
  readonly indexes: readonly IndexSpec[];
  /** Ends the name of the temporary collection. */
  readonly purpose: string;
}

const APPLY_OPS = fieldName('applyOps');
const UNVALIDATED = { bypassesValidation: true };

export class CollectionCopy {
  readonly #data: MemberData;
  readonly #request: CopyRequest;
  readonly #turn: Turn;
  readonly #copy: Collection;
  readonly #documents: TableCursor;
  readonly #log: OplogReader;
  readonly #view = new EntryView();
  #isDone = false;
  /** Not enforced while documents change one by one to what the source has: it sees to it itself. */
  readonly #unique: readonly Index[];
  /** Bytes of documents that a capped copy would drop again at once. */
  #surplusBytes: number;

  /** Makes the temporary collection. */
  constructor(data: MemberData, request: CopyRequest, turn: Turn) {
    this.#data = data;
    this.#request = request;
    this.#turn = turn;
    const { source, to, options, indexes, purpose } = request;
    const mark = uuidText(newUuid(data.env.random)).slice(0, 5);
    this.#log = data.oplog.reader({ after: data.oplog.lastWritten.ts });
    this.#copy = createCollection(data, `${databaseOf(to)}.tmp${mark}.${purpose}`, temporaryOptions(options));
    const copied = indexes.map((spec) => createEmptyIndex(data, this.#copy, spec));
    this.#unique = copied.filter((index) => index.enforcesUnique);
    for (const index of this.#unique) index.enforcesUnique = false;
    this.#documents = source.documents.cursor();
    const limit = this.#copy.capped?.sizeBytes ?? Infinity;
    this.#surplusBytes = Math.max(0, source.dataSizeBytes - limit);
  }

  /** Goes on until the copy has its name or the turn is over; then call it again. */
  advance(): 'done' | 'pause' {
    const { source } = this.#request;
    for (const one of [source, this.#copy]) {
      if (one.gone !== undefined) throw new CommandError('QueryPlanKilled', one.gone);
    }
    // Whatever was copied is as the source is now, before more is: nothing comes in between within a turn.
    if (source.isReplicated && this.#catchUp() === 'pause') return 'pause';
    if (this.#scan() === 'pause') return 'pause';
    const { to } = this.#request;
    for (const index of this.#unique) index.enforcesUnique = true;
    renameCollection(this.#data, this.#copy, to, this.#data.catalog.find(to));
    this.#isDone = true;
    return 'done';
  }

  /** To be called when it ends in any way but 'done'. */
  abandon(): void {
    if (this.#isDone || this.#copy.gone !== undefined || !this.#data.acceptsWrites) return;
    dropCollection(this.#data, this.#copy);
  }

  #scan(): 'done' | 'pause' {
    while (this.#documents.next()) {
      const document = this.#documents.value;
      if (this.#surplusBytes > 0) this.#surplusBytes -= document.length;
      else insertDocument(this.#data, this.#copy, document, UNVALIDATED);
      if (this.#isTurnOver()) return 'pause';
    }
    return 'done';
  }

  #catchUp(): 'done' | 'pause' {
    for (let entry = this.#log.next(); entry !== undefined; entry = this.#log.next()) {
      this.#followEntry(this.#view.reset(entry));
      if (this.#isTurnOver()) return 'pause';
    }
    return 'done';
  }

  /** What is not logged cannot be caught up with: then everything happens in one turn. */
  #isTurnOver(): boolean {
    return this.#request.source.isReplicated && this.#turn.isOver();
  }

  #followEntry(view: EntryView): void {
    if (view.op === 'c') {
      const list = findField(view.bytes, APPLY_OPS, view.oAt);
      if (list === undefined) return;
      const items = new ElementReader(list.bytes, list.start);
      const inner = new EntryView();
      while (items.next()) this.#followEntry(inner.reset(items.bytes, items.start));
      return;
    }
    const ui = view.ui();
    if (ui === undefined || !equalBytes(ui, this.#request.source.uuid)) return;
    const at = view.op === 'u' && view.o2At >= 0 ? view.o2At : view.oAt;
    const id = findField(view.bytes, ID_NAME, at);
    if (id !== undefined) this.#followDocument(this.#copy.idKey(id), view.op === 'd');
  }

  /** Makes a document that was copied what the source's is now. One that was inserted again the scan comes to yet. */
  #followDocument(idKey: Uint8Array, isRemoved: boolean): void {
    const original = findById(this.#request.source, idKey);
    const copied = findById(this.#copy, idKey);
    // Not copied yet, or dropped by a capped copy already.
    if (copied === undefined) return;
    if (isRemoved || original === undefined) deleteDocument(this.#data, this.#copy, copied);
    else if (!equalBytes(original.document, copied.document)) {
      updateDocument(this.#data, this.#copy, copied, { document: original.document, diff: undefined, ...UNVALIDATED });
    }
  }
}
