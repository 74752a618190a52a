/**
 * The base store over LMDB. docs/base-store.md has the layout: one database of LMDB with the key
 * `u32 table id | block name` for blocks, and under table id 0 the checkpoint's optime and the tables' records.
 *
 * What the binding wants is kept in here: the promise of `batch` counts, not those of the puts in it; buffers handed to
 * it are left alone until then; a read returns a buffer that all reads share; and a reader sees the state as of the
 * beginning of its event turn unless told otherwise.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { open, type RootDatabase } from 'lmdb';
import { DataError } from '../base/data_error.ts';
import { IoError } from '../base/env.ts';
import { invariant } from '../base/invariant.ts';
import { incrementOf, type OpTime, OPTIME_NULL, secondsOf, termOf, timestampOf } from '../base/optime.ts';
import type { BaseBatch, BaseStore, TableRecord } from '../storage/base_store.ts';

type Id = TableRecord['id'];

/** Rises with every change of the files that an older program would misread. */
const FORMAT_VERSION = 1;
const FORMAT_FILE = 'format';
const DATA_FILE = 'blocks.mdb';

const PAGE_BYTES = 8192;

/** In each of the first two pages. Source: MDB_MAGIC and struct MDB_meta of LMDB, after a page header of 24 bytes. */
const HEADER_MAGIC_AT = 24;
const HEADER_MAGIC = 0xbeef_c0de;

const READERS_MAX = 512;

/** With less room than this left, an input/output error is taken for a full disk. LMDB does not tell them apart. */
const FULL_BELOW_BYTES = 16 * 1024 * 1024;
const ERROR_IO = 5;
const ERROR_NO_SPACE = 28;
const ERROR_MAP_FULL = -30_792;

/** Opens (or creates) the base store in `directory`; rejects with DataError when another version wrote it or it is damaged. */
export async function openLmdbBaseStore(options: { readonly directory: string }): Promise<BaseStore> {
  const { directory } = options;
  mkdirSync(directory, { recursive: true });
  checkFormat(directory);
  checkHeaders(join(directory, DATA_FILE));
  return await Promise.resolve(new LmdbBaseStore(openDatabase(directory), directory));
}

function openDatabase(directory: string): RootDatabase<Uint8Array, Uint8Array> {
  return open<Uint8Array, Uint8Array>({
    path: join(directory, DATA_FILE),
    pageSize: PAGE_BYTES,
    overlappingSync: false,
    keyEncoding: 'binary',
    encoding: 'binary',
    maxReaders: READERS_MAX,
    cache: false,
    compression: false,
    // Batches are explicit. The implicit one of each turn has a promise that nobody can catch when a commit fails.
    eventTurnBatching: false,
  });
}

/** The binding does not survive a file that is not LMDB's, so its two header pages are looked at first. */
function checkHeaders(path: string): void {
  if (!existsSync(path)) return;
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const header = Buffer.alloc(8);
    for (const page of size === 0 ? [] : [0, 1]) {
      const length = readSync(file, header, 0, header.length, page * PAGE_BYTES + HEADER_MAGIC_AT);
      if (length === header.length && header.readUInt32LE(0) === HEADER_MAGIC) continue;
      throw new DataError('damage', `the base store is damaged: ${path} at offset ${page * PAGE_BYTES}`);
    }
  } finally {
    closeSync(file);
  }
}

function checkFormat(directory: string): void {
  const path = join(directory, FORMAT_FILE);
  const expected = `quorate base store, format ${FORMAT_VERSION}\n`;
  if (existsSync(path)) {
    const found = readFileSync(path, 'utf8');
    if (found === expected) return;
    throw new DataError(
      'version',
      `${directory} was written by another version of this program: ` +
        `its format is "${found.trim()}", this program reads "${expected.trim()}"`,
    );
  }
  if (existsSync(join(directory, DATA_FILE))) {
    throw new DataError('version', `${directory} has data but no file "${FORMAT_FILE}", so its format is not known`);
  }
  const file = openSync(path, 'w');
  writeSync(file, expected);
  fsyncSync(file);
  closeSync(file);
  const folder = openSync(directory, 'r');
  fsyncSync(folder);
  closeSync(folder);
}

class LmdbBaseStore implements BaseStore {
  readonly #db: RootDatabase<Uint8Array, Uint8Array>;
  readonly #directory: string;
  #isCommitting = false;

  constructor(db: RootDatabase<Uint8Array, Uint8Array>, directory: string) {
    this.#db = db;
    this.#directory = directory;
  }

  tables(): TableRecord[] {
    const records: TableRecord[] = [];
    const range = { start: RECORD_KEY_FIRST, end: keyOf(1, NO_BYTES) };
    for (const { key, value } of this.#db.getRange(range)) records.push(decodeRecord(key, value));
    return records;
  }

  *keys(table: Id): Iterable<Uint8Array> {
    const range = { start: keyOf(table, NO_BYTES), end: keyOf(table + 1, NO_BYTES) };
    for (const key of this.#db.getKeys(range)) yield new Uint8Array(key.subarray(4));
  }

  read(table: Id, name: Uint8Array): Uint8Array {
    return new Uint8Array(this.view(table, name));
  }

  view(table: Id, name: Uint8Array): Uint8Array {
    const shared = this.#db.getBinaryFast(keyOf(table, name));
    invariant(shared !== undefined, () => `table ${table} has no block of that name`);
    return new Uint8Array(shared.buffer, shared.byteOffset, shared.length);
  }

  async commit(batch: BaseBatch): Promise<void> {
    invariant(!this.#isCommitting, 'one commit at a time');
    this.#isCommitting = true;
    try {
      await this.#db.batch(() => this.#write(batch));
    } catch (error) {
      throw await this.#describe(error, batch);
    } finally {
      this.#isCommitting = false;
      // Reads later in this turn must see what was committed.
      this.#db.resetReadTxn();
    }
  }

  #write(batch: BaseBatch): void {
    const db = this.#db;
    let last: Promise<boolean> | undefined = undefined;
    const enqueued = (promise: Promise<boolean>): void => {
      // Mostly one and the same promise. It says nothing in time, but rejects, too, when the commit fails.
      if (promise === last) return;
      last = promise;
      promise.catch(() => {});
    };
    for (const { table, name, bytes } of batch.blocks) {
      if (bytes === undefined) enqueued(db.remove(keyOf(table, name)));
      else enqueued(db.put(keyOf(table, name), bytes));
    }
    for (const record of batch.tables) enqueued(db.put(recordKey(record.id), encodeRecord(record)));
    for (const table of batch.forgotten) enqueued(db.remove(recordKey(table)));
    if (batch.optime !== undefined) enqueued(db.put(CHECKPOINT_KEY, encodeOpTime(batch.optime)));
  }

  /** The error that a failed commit rejects with; the binding hides the cause in a second, rejected promise. */
  async #describe(error: unknown, batch: BaseBatch): Promise<IoError> {
    const cause: unknown = await Promise.resolve((error as { commitError?: unknown }).commitError).then(
      () => error,
      (reason: unknown) => reason,
    );
    const { code, message } = cause as { code?: unknown; message?: string };
    const options = { cause };
    if (code === ERROR_NO_SPACE || code === ERROR_MAP_FULL || (code === ERROR_IO && this.#isFull(batch))) {
      return new IoError('noSpace', `no room for a checkpoint in ${this.#directory}`, options);
    }
    return new IoError('io', `a checkpoint in ${this.#directory} failed: ${message}`, options);
  }

  #isFull(batch: BaseBatch): boolean {
    const { bavail, bsize } = statfsSync(this.#directory);
    const wanted = batch.blocks.reduce((sum, block) => sum + (block.bytes?.length ?? 0), 0);
    return bavail * bsize < Math.max(FULL_BELOW_BYTES, wanted);
  }

  checkpoint(): OpTime {
    const bytes = this.#db.getBinary(CHECKPOINT_KEY);
    return bytes === undefined ? OPTIME_NULL : decodeOpTime(bytes);
  }

  sizeBytes(): number {
    const stats = this.#db.getStats() as { lastPageNumber?: number };
    return ((stats.lastPageNumber ?? 0) + 1) * PAGE_BYTES;
  }

  async close(): Promise<void> {
    await this.#db.close();
  }
}

const NO_BYTES = new Uint8Array(0);
const CHECKPOINT_KEY = keyOf(0, Uint8Array.of(1));
const RECORD_KEY_FIRST = keyOf(0, Uint8Array.of(2));

function keyOf(table: number, name: Uint8Array): Uint8Array {
  const key = new Uint8Array(4 + name.length);
  key[0] = table >>> 24;
  key[1] = table >>> 16;
  key[2] = table >>> 8;
  key[3] = table;
  key.set(name, 4);
  return key;
}

/** `00000000 02 | u32 table id`. */
function recordKey(table: Id): Uint8Array {
  return keyOf(0, Uint8Array.of(2, table >>> 24, table >>> 16, table >>> 8, table));
}

const KINDS = ['documents', 'index'] as const;
const FLAG_REPLICATED = 1;
const FLAG_DROPPED = 2;
const RECORD_BYTES = 22;
const OPTIME_BYTES = 20;

/** `u8 kind | u8 flags | u64 count | u64 sizeBytes | u32 checksum`, big-endian. */
function encodeRecord(record: TableRecord): Uint8Array {
  const view = new DataView(new ArrayBuffer(RECORD_BYTES));
  view.setUint8(0, KINDS.indexOf(record.kind));
  view.setUint8(1, (record.replicated ? FLAG_REPLICATED : 0) | (record.dropped ? FLAG_DROPPED : 0));
  view.setBigUint64(2, BigInt(record.count));
  view.setBigUint64(10, BigInt(record.sizeBytes));
  return seal(view);
}

function decodeRecord(key: Uint8Array, value: Uint8Array): TableRecord {
  const view = unseal(value, RECORD_BYTES, 'a table record');
  const kind = KINDS[view.getUint8(0)];
  invariant(kind !== undefined, 'a table record has a known kind');
  const flags = view.getUint8(1);
  return {
    id: new DataView(key.buffer, key.byteOffset).getUint32(5) as Id,
    kind,
    replicated: (flags & FLAG_REPLICATED) !== 0,
    dropped: (flags & FLAG_DROPPED) !== 0,
    count: Number(view.getBigUint64(2)),
    sizeBytes: Number(view.getBigUint64(10)),
  };
}

/** `u32 seconds | u32 increment | i64 term | u32 checksum`, big-endian. */
function encodeOpTime(optime: OpTime): Uint8Array {
  const view = new DataView(new ArrayBuffer(OPTIME_BYTES));
  view.setUint32(0, secondsOf(optime.ts));
  view.setUint32(4, incrementOf(optime.ts));
  view.setBigInt64(8, BigInt(optime.t));
  return seal(view);
}

function decodeOpTime(bytes: Uint8Array): OpTime {
  const view = unseal(bytes, OPTIME_BYTES, "the checkpoint's optime");
  return { ts: timestampOf(view.getUint32(0), view.getUint32(4)), t: termOf(Number(view.getBigInt64(8))) };
}

/** Puts the CRC-32 of what is before it into the last four bytes. */
function seal(view: DataView): Uint8Array {
  const bytes = new Uint8Array(view.buffer);
  view.setUint32(bytes.length - 4, crc32(bytes.subarray(0, -4)));
  return bytes;
}

function unseal(bytes: Uint8Array, length: number, what: string): DataView {
  invariant(bytes.length === length, () => `${what} has ${bytes.length} bytes, not ${length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  const matches = view.getUint32(length - 4) === crc32(bytes.subarray(0, length - 4));
  invariant(matches, () => `${what} fails its checksum`);
  return view;
}
