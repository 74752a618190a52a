/** What a rollback takes away, found before it is gone. */
import type { OpTime } from '../base/optime.ts';
import { fieldName } from '../bson/bytes.ts';
import { ElementReader, findField } from '../bson/elements.ts';
import { EntryView } from '../oplog/entry.ts';
import type { Oplog } from '../oplog/oplog.ts';
import type { Catalog } from './catalog/catalog.ts';
import { ID_NAME } from './insertable.ts';
import { findById } from './write/write_documents.ts';
import { hexOf } from './uuid.ts';

/** Receives the documents a rollback is about to take away, as they are now. */
export type SaveRemoved = (ns: string, uuid: Uint8Array, documents: readonly Uint8Array[]) => void | Promise<void>;

/** Documents handed over at a time. */
const CHUNK_DOCUMENTS_MAX = 500;

const APPLY_OPS = fieldName('applyOps');

/** Per collection (by the digits of its uuid) the keys of the `_id`s that entries to be removed inserted or updated. */
type Affected = Map<string, Map<string, Uint8Array>>;

/** Hands every document that was inserted or updated after `commonPoint` to `save`. Deleted ones come back anyway. */
export async function saveAffected(
  oplog: Oplog,
  catalog: Catalog,
  commonPoint: OpTime,
  save: SaveRemoved,
): Promise<void> {
  const affected: Affected = new Map();
  const reader = oplog.reader({ after: commonPoint.ts });
  const view = new EntryView();
  for (let entry = reader.next(); entry !== undefined; entry = reader.next()) {
    noteOperation(view.reset(entry), catalog, affected);
  }
  for (const [key, ids] of affected) {
    const collection = catalog.findUuid(key);
    if (collection === undefined) continue;
    let chunk: Uint8Array[] = [];
    for (const idKey of ids.values()) {
      const found = findById(collection, idKey);
      if (found !== undefined) chunk.push(found.document);
      if (chunk.length < CHUNK_DOCUMENTS_MAX) continue;
      await save(collection.ns, collection.uuid, chunk);
      chunk = [];
    }
    if (chunk.length > 0) await save(collection.ns, collection.uuid, chunk);
  }
}

function noteOperation(view: EntryView, catalog: Catalog, affected: Affected): void {
  if (view.op === 'c') {
    const list = findField(view.bytes, APPLY_OPS, view.oAt);
    if (list === undefined) return;
    const items = new ElementReader(list.bytes, list.start);
    const inner = new EntryView();
    while (items.next()) noteOperation(inner.reset(items.bytes, items.start), catalog, affected);
    return;
  }
  if (view.op !== 'i' && view.op !== 'u') return;
  const ui = view.ui();
  const id = findField(view.bytes, ID_NAME, view.op === 'u' && view.o2At >= 0 ? view.o2At : view.oAt);
  if (ui === undefined || id === undefined) return;
  const key = hexOf(ui);
  const collection = catalog.findUuid(key);
  if (collection === undefined) return;
  const idKey = collection.idKey(id);
  let ids = affected.get(key);
  if (ids === undefined) {
    ids = new Map();
    affected.set(key, ids);
  }
  ids.set(hexOf(idKey), idKey);
}
