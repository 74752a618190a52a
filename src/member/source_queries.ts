/** Questions to another member about its data, as commands on its connection. */
import { CommandError } from '../base/command_error.ts';
import type { OpTime } from '../base/optime.ts';
import { ms } from '../base/units.ts';
import { encodeDocument } from '../bson/codec.ts';
import { entryOf, numberField, readCursor } from './oplog_batch.ts';
import type { Peers } from './peers.ts';
import { fieldName } from '../bson/bytes.ts';

/** Source: the default of oplogNetworkTimeoutBufferSeconds plus the find's. */
const TIMEOUT_MS = ms(30_000);

const RBID = fieldName('rbid');

/** Runs a command, given as a plain object without `$db`. Throws CommandError or NetworkError. */
export async function runOn(peers: Peers, source: string, db: string, command: object): Promise<Uint8Array> {
  const body = encodeDocument({ ...command, $readPreference: { mode: 'secondaryPreferred' } });
  return await peers.run(source, { purpose: 'sync', db, body, timeout: TIMEOUT_MS });
}

export async function rollbackIdOf(peers: Peers, source: string): Promise<number> {
  const reply = await peers.run(source, {
    purpose: 'sync',
    body: encodeDocument({ replSetGetRBID: 1 }),
    timeout: TIMEOUT_MS,
  });
  const rollbackId = numberField(reply, RBID);
  if (rollbackId === undefined) throw new CommandError('NoSuchKey', 'replSetGetRBID answered without rbid');
  return rollbackId;
}

/** Undefined when its oplog is empty. */
export async function oldestEntryOf(peers: Peers, source: string): Promise<OpTime | undefined> {
  return await oneEntryOf(peers, source, 1);
}

/** Undefined when its oplog is empty. */
export async function newestEntryOf(peers: Peers, source: string): Promise<OpTime | undefined> {
  return await oneEntryOf(peers, source, -1);
}

/** The entry itself. */
export async function newestEntryDocumentOf(peers: Peers, source: string): Promise<Uint8Array | undefined> {
  return await oneDocumentOf(peers, source, -1);
}

async function oneEntryOf(peers: Peers, source: string, direction: 1 | -1): Promise<OpTime | undefined> {
  const entry = await oneDocumentOf(peers, source, direction);
  return entry === undefined ? undefined : entryOf(entry).optime;
}

async function oneDocumentOf(peers: Peers, source: string, direction: 1 | -1): Promise<Uint8Array | undefined> {
  const command = { find: 'oplog.rs', sort: { $natural: direction }, limit: 1, singleBatch: true };
  return readCursor(await runOn(peers, source, 'local', command)).documents[0];
}

/** All documents of a cursor, page by page; `onPage` may make the next page wait. */
export async function readAll(
  peers: Peers,
  source: string,
  query: { readonly db: string; readonly command: object; readonly collection: string },
  onPage: (documents: Uint8Array[]) => Promise<boolean> | boolean,
): Promise<void> {
  let page = readCursor(await runOn(peers, source, query.db, query.command));
  while (true) {
    const goesOn = await onPage(page.documents);
    if (page.cursorId === 0n) return;
    if (!goesOn) {
      await runOn(peers, source, query.db, { killCursors: query.collection, cursors: [page.cursorId] });
      return;
    }
    page = readCursor(await runOn(peers, source, query.db, { getMore: page.cursorId, collection: query.collection }));
  }
}
