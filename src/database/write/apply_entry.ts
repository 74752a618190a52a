/**
 * Applying oplog entries, on members that did not write them and after a restart.
 *
 * Every entry may be applied again to data that already has it, or to data that is newer (while a collection is being
 * copied from a member that goes on writing). So a duplicate is replaced, what is missing is inserted or passed over,
 * and unique indexes are not enforced: the primary has checked them in an order this data may not have gone through.
 */
import { CommandError } from '../../base/command_error.ts';
import { invariant } from '../../base/invariant.ts';
import type { OpTime, Timestamp } from '../../base/optime.ts';
import type { UnixMs } from '../../base/units.ts';
import { equalBytes, fieldName } from '../../bson/bytes.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { readOpTime } from '../../bson/optime.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { RawValue, rawObject } from '../../bson/value.ts';
import { EntryView } from '../../oplog/entry.ts';
import { applyDiff, compileUpdate, type UpdateContext } from '../../query/update.ts';
import { applyCommand, type CommandTarget } from './apply_command.ts';
import type { Collection } from '../catalog/collection.ts';
import type { IndexChange } from '../index/index.ts';
import { ID_NAME } from '../insertable.ts';
import type { SessionStore } from '../sessions.ts';
import { applyChanges, findById, removeRecord, type FoundRecord } from './write_documents.ts';
import { hexOf } from '../uuid.ts';

/** How missing and duplicate documents are treated. */
export type ApplyMode = 'steady' | 'initialSync' | 'recovery';

export interface ApplyTarget extends CommandTarget {
  readonly sessions: SessionStore;
  /** Entries of a transaction that came earlier. */
  readonly oplog: { find(ts: Timestamp): Uint8Array | undefined };
}

/** When an operation happened: all inside one `applyOps` share it. */
interface Moment {
  readonly optime: OpTime;
  readonly wall: UnixMs;
  readonly mode: ApplyMode;
}

const VERSION = fieldName('$v');
const APPLY_OPS = fieldName('applyOps');
const PARTIAL_TXN = fieldName('partialTxn');
const COUNT = fieldName('count');
const DOLLAR = 0x24;

export class EntryApplier {
  readonly #target: ApplyTarget;
  readonly #view = new EntryView();
  readonly #inner = new EntryView();
  /** The collection of the entry before: most entries have the same one as theirs. */
  #last: Collection | undefined;

  constructor(target: ApplyTarget) {
    this.#target = target;
  }

  /** The catalog may have changed behind the applier's back. */
  forget(): void {
    this.#last = undefined;
  }

  /** Undefined when done at once; commands that build indexes take their time. Throws when it cannot be applied. */
  apply(entry: Uint8Array, mode: ApplyMode): Promise<void> | undefined {
    const view = this.#view.reset(entry);
    const moment: Moment = { optime: { ts: view.ts, t: view.t }, wall: view.wall, mode };
    const { op } = view;
    if (op === 'n') return undefined;
    this.#noteSession(view, moment);
    if (op !== 'c') {
      this.#applyCrud(view, moment);
      return undefined;
    }
    const command = view.documentAt(view.oAt);
    invariant(command !== undefined, 'a command entry has a command');
    const list = findField(command, APPLY_OPS);
    if (list !== undefined) return this.#applyOps(entry, command, list, moment);
    this.#last = undefined;
    return applyCommand(this.#target, view, moment.optime.ts);
  }

  #noteSession(view: EntryView, moment: Moment): void {
    if (view.lsidAt < 0 || view.txnNumberAt < 0) return;
    const lsid = new RawValue(BSON_TYPE.object, view.bytes, view.lsidAt, view.lsidAt);
    this.#target.sessions.apply(lsid, BigInt(view.txnNumber), moment.optime, moment.wall);
  }

  #applyCrud(view: EntryView, moment: Moment): void {
    const collection = this.#collectionOf(view);
    if (collection === undefined) {
      if (view.op === 'd' || moment.mode !== 'steady') return;
      throw new CommandError('NamespaceNotFound', `no collection for an entry on ${view.ns()} (${uuidOf(view)})`);
    }
    const { ts } = moment.optime;
    switch (view.op) {
      case 'i':
        this.#put(collection, present(view.documentAt(view.oAt)), ts);
        return;
      case 'u':
        this.#update(collection, view, moment);
        return;
      default:
        this.#delete(collection, view, ts);
    }
  }

  #collectionOf(view: EntryView): Collection | undefined {
    const ui = view.ui();
    if (ui === undefined) return this.#target.catalog.find(view.ns());
    if (this.#last !== undefined && this.#last.gone === undefined && equalBytes(this.#last.uuid, ui)) return this.#last;
    this.#last = this.#target.catalog.findUuid(hexOf(ui));
    return this.#last;
  }

  /** Inserts the document, or replaces the one with its `_id`. */
  #put(collection: Collection, document: Uint8Array, at: Timestamp): void {
    const id = findField(document, ID_NAME);
    invariant(id !== undefined, 'a document in an entry has an _id');
    const idKey = collection.idKey(id);
    const found = findById(collection, idKey);
    if (found === undefined) this.#insert(collection, idKey, document, at);
    else this.#replace(collection, found, document, at);
  }

  #insert(collection: Collection, idKey: Uint8Array, document: Uint8Array, at: Timestamp): void {
    const recordId = collection.takeRecordId();
    const changes = collection.maintained.map((index) => index.insertion(document, recordId));
    collection.documents.add(recordId, document, at);
    collection.ids.add(idKey, recordId, at);
    applyChanges(this.#target, collection, changes, at);
  }

  #replace(collection: Collection, found: FoundRecord, document: Uint8Array, at: Timestamp): void {
    const changes: IndexChange[] = collection.maintained.map((index) =>
      index.replacement(found.document, document, found.recordId),
    );
    collection.documents.put(found.recordId, document, at);
    applyChanges(this.#target, collection, changes, at);
  }

  #update(collection: Collection, view: EntryView, moment: Moment): void {
    const id = findField(view.bytes, ID_NAME, view.o2At < 0 ? view.oAt : view.o2At);
    invariant(id !== undefined, 'an update entry names its document');
    const idKey = collection.idKey(id);
    const found = findById(collection, idKey);
    // What a capped collection has dropped meanwhile is not brought back.
    const mayBeMissing = moment.mode !== 'steady' || collection.capped !== undefined;
    if (found === undefined && mayBeMissing && !view.upsert) return;
    const before = found?.document ?? present(view.documentAt(view.o2At));
    const after = this.#updated(before, present(view.documentAt(view.oAt)), moment);
    if (found === undefined) this.#insert(collection, idKey, after, moment.optime.ts);
    else if (after !== before) this.#replace(collection, found, after, moment.optime.ts);
  }

  /** `o` is a diff, a whole document, or (only from the command applyOps) a document of modifiers. */
  #updated(before: Uint8Array, o: Uint8Array, moment: Moment): Uint8Array {
    if (findField(o, VERSION) !== undefined) return applyDiff(before, o);
    const reader = new ElementReader(o);
    if (!reader.next() || o[reader.nameStart] !== DOLLAR) return o;
    const result = compileUpdate(rawObject(o)).apply(before, contextAt(moment));
    return result.kind === 'noop' ? before : result.document;
  }

  #delete(collection: Collection, view: EntryView, at: Timestamp): void {
    const id = findField(view.bytes, ID_NAME, view.oAt);
    invariant(id !== undefined, 'a delete entry names its document');
    const found = findById(collection, collection.idKeyView(id));
    if (found === undefined) return;
    const changes = collection.maintained.map((index) => index.removal(found.document, found.recordId));
    removeRecord(collection, found, changes, at);
  }

  /** A transaction, or a batch: everything happens at the timestamp of the entry. */
  #applyOps(entry: Uint8Array, command: Uint8Array, list: RawValue, moment: Moment): Promise<void> | undefined {
    if (findField(command, PARTIAL_TXN) !== undefined) return undefined;
    const lists = [list];
    if (findField(command, COUNT) !== undefined) lists.unshift(...this.#earlierParts(entry));
    return this.#applyLists(lists, moment);
  }

  #applyLists(lists: readonly RawValue[], moment: Moment): Promise<void> | undefined {
    let waiting: Promise<void> | undefined;
    for (const list of lists) {
      const items = new ElementReader(list.bytes, list.start);
      while (items.next()) {
        const view = this.#inner.reset(items.bytes, items.start);
        if (view.op === 'n') continue;
        if (view.isCrud) this.#applyCrud(view, moment);
        else {
          this.#last = undefined;
          const done = applyCommand(this.#target, view, moment.optime.ts);
          invariant(
            done === undefined || waiting === undefined,
            'indexes built in a transaction are on empty collections',
          );
          waiting = done;
        }
      }
    }
    return waiting;
  }

  /** The operations of the entries before the last one of a large transaction, in order. */
  #earlierParts(entry: Uint8Array): RawValue[] {
    const parts: RawValue[] = [];
    let previous = previousOf(entry);
    while (previous !== undefined && previous.ts > 0) {
      const part = this.#target.oplog.find(previous.ts);
      invariant(part !== undefined, 'all entries of a transaction are in the oplog');
      const view = new EntryView().reset(part);
      const list = findField(part, APPLY_OPS, view.oAt);
      invariant(list !== undefined, 'an entry of a transaction holds operations');
      parts.unshift(list);
      previous = previousOf(part);
    }
    return parts;
  }
}

function previousOf(entry: Uint8Array): OpTime | undefined {
  const view = new EntryView().reset(entry);
  if (view.prevOpTimeAt < 0) return undefined;
  return readOpTime(new RawValue(BSON_TYPE.object, entry, view.prevOpTimeAt, view.prevOpTimeAt));
}

/** Entries never change, and those around it in the same array are kept for as long. */
function present(view: Uint8Array | undefined): Uint8Array {
  invariant(view !== undefined, 'the entry has the document');
  return view;
}

function uuidOf(view: EntryView): string {
  const ui = view.ui();
  return ui === undefined ? 'no uuid' : hexOf(ui);
}

function contextAt(moment: Moment): UpdateContext {
  return {
    now: moment.wall,
    timestamp: () => moment.optime.ts,
    objectId: () => {
      throw new CommandError('InternalError', 'an entry never makes an _id');
    },
  };
}
