/**
 * What a member knows about itself and must not lose, apart from its data: the configuration, its last vote, the
 * rollback id and the mark of an initial sync. One small file, `member.state`, replaced as a whole.
 *
 * A change is durable when the promise of its method resolves; changes are written one after another, and those that
 * come in while a write is under way share the next one. The format is in docs/member-state.md.
 *
 * A full disk must not keep a member from voting: the room for the next write is reserved by the one before it. Where
 * that was not possible the write is tried again until there is room.
 */
import { crc32 } from 'node:zlib';
import { decodeDocument, encodeDocument } from '../bson/codec.ts';
import { DataError } from '../base/data_error.ts';
import { IoError, type Env, type FileHandle } from '../base/env.ts';
import { invariant } from '../base/invariant.ts';
import { NO_LOG, type Log } from '../base/log.ts';
import { OPTIME_NULL, termOf, type OpTime, type Term, type Timestamp } from '../base/optime.ts';
import { ms } from '../base/units.ts';

/** A document as the npm `bson` package takes and gives it. */
export type PlainDocument = Readonly<Record<string, unknown>>;

/** The vote of the newest term this member voted in; `candidateIndex` is the candidate's place in the config. */
export interface LastVote {
  readonly term: Term;
  readonly candidateIndex: number;
}

/** A consistent picture of the file's content. */
export interface LocalStateValues {
  /** The set's name when the file was made; a member does not change sets. */
  readonly setName: string | undefined;
  readonly config: PlainDocument | undefined;
  readonly lastVote: LastVote | undefined;
  /** Rises with every rollback, so that a reader of this member's oplog notices one. From 1. */
  readonly rollbackId: number;
  /** Names the data: set when a set is initiated or an initial sync ends. 16 bytes. */
  readonly initialSyncId: Uint8Array | undefined;
  /** The data is incomplete: an initial sync began and did not end. */
  readonly initialSyncRunning: boolean;
  /**
   * Where the last initial sync ended. The data has no older state: a rollback to before it needs another initial sync.
   */
  readonly initialDataOpTime: OpTime;
  /**
   * This member had everything up to there and threw it away to copy its data anew. A majority may have counted on that,
   * so it gives no vote to a candidate that has less.
   */
  readonly promised: OpTime;
}

const EMPTY: LocalStateValues = {
  setName: undefined,
  config: undefined,
  lastVote: undefined,
  rollbackId: 1,
  initialSyncId: undefined,
  initialSyncRunning: false,
  initialDataOpTime: OPTIME_NULL,
  promised: OPTIME_NULL,
};

const FILE_NAME = 'member.state';
const TEMPORARY_NAME = 'member.state.new';

/** 'QSTA', little-endian. */
const MAGIC = 0x4154_5351;

/** Version of everything below the data folder. A folder of another version is refused. */
export const DATA_VERSION = 1;

const HEADER_SIZE_BYTES = 16;

/** Reserved for the next write, at least, and in multiples of it: a block of the file systems there are. */
const RESERVE_STEP_BYTES = 4096;

/** How long a write that found no room waits before it is tried again. */
const NO_ROOM_RETRY_MS = ms(500);

export class LocalState {
  readonly #env: Env;
  readonly #log: Log;
  readonly #onFailure: (error: unknown) => void;
  #values: LocalStateValues;
  #writing: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  private constructor(env: Env, values: LocalStateValues, outlets: Outlets) {
    this.#env = env;
    this.#values = values;
    this.#onFailure = outlets.onFailure;
    this.#log = outlets.log;
  }

  /**
   * Reads the file; a missing one is an empty state. Throws {@link DataError}.
   * @param onFailure called when a write fails for another reason than a full disk; the member must stop then
   */
  static open(env: Env, onFailure: (error: unknown) => void, log: Log = NO_LOG): LocalState {
    const outlets = { onFailure, log };
    if (!env.files.exists(FILE_NAME)) return new LocalState(env, EMPTY, outlets);
    return new LocalState(env, decodeFile(readWhole(env.files.open(FILE_NAME))), outlets);
  }

  get values(): LocalStateValues {
    return this.#values;
  }

  /** Changes some values; resolves when the file on disk has them. The new values are visible at once. */
  update(change: Partial<LocalStateValues>): Promise<void> {
    const vote = change.lastVote;
    const old = this.#values.lastVote;
    if (vote !== undefined && old !== undefined) {
      invariant(vote.term >= old.term, `a vote in term ${vote.term} after one in term ${old.term}`);
    }
    this.#values = { ...this.#values, ...change };
    invariant(this.#values.rollbackId >= 1, 'the rollback id starts at 1');
    this.#next ??= this.#writeAfter(this.#writing);
    return this.#next;
  }

  async #writeAfter(earlier: Promise<void> | undefined): Promise<void> {
    // Even without an earlier write one turn passes, so that changes made together are written together.
    await earlier;
    const write = this.#next;
    this.#next = undefined;
    this.#writing = write;
    try {
      while (!(await this.#writeIfRoom())) await this.#waitForRoom();
    } catch (error) {
      this.#onFailure(error);
      throw error;
    }
    if (this.#writing === write) this.#writing = undefined;
  }

  async #writeIfRoom(): Promise<boolean> {
    try {
      await this.#write(encodeFile(this.#values));
      return true;
    } catch (error) {
      // The file in use was not touched, and the new one is written from its beginning the next time.
      if (!isNoSpace(error)) throw error;
      this.#log.write({
        severity: 'E',
        component: 'STORAGE',
        id: 8_000_120,
        context: 'member',
        message: 'The disk is full: what this member must remember waits to be written',
        attributes: { error: error.message },
      });
      return false;
    }
  }

  #waitForRoom(): Promise<void> {
    return new Promise((resolve) => {
      this.#env.timers.after(NO_ROOM_RETRY_MS, resolve);
    });
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const { files } = this.#env;
    const file = files.open(TEMPORARY_NAME);
    try {
      file.write(bytes, 0);
      file.truncate(bytes.length);
      await file.sync();
    } finally {
      file.close();
    }
    files.rename(TEMPORARY_NAME, FILE_NAME);
    await files.syncDirectory('');
    this.#reserve(bytes.length);
  }

  /** Room for the next write. The file that was just replaced left some. */
  #reserve(sizeBytes: number): void {
    const file = this.#env.files.open(TEMPORARY_NAME);
    try {
      file.allocate(Math.ceil((sizeBytes + 1) / RESERVE_STEP_BYTES) * RESERVE_STEP_BYTES);
    } catch (error) {
      if (!isNoSpace(error)) throw error;
    } finally {
      file.close();
    }
  }
}

interface Outlets {
  readonly onFailure: (error: unknown) => void;
  readonly log: Log;
}

function isNoSpace(error: unknown): error is IoError {
  return error instanceof IoError && error.kind === 'noSpace';
}

function readWhole(file: FileHandle): Uint8Array {
  try {
    const bytes = new Uint8Array(file.size());
    const length = file.read(bytes, 0);
    invariant(length === bytes.length, 'the file was read as a whole');
    return bytes;
  } finally {
    file.close();
  }
}

function encodeFile(values: LocalStateValues): Uint8Array {
  const body = encodeDocument({
    ...(values.setName !== undefined && { setName: values.setName }),
    ...(values.config !== undefined && { config: values.config }),
    ...(values.lastVote !== undefined && {
      lastVote: { term: BigInt(values.lastVote.term), candidateIndex: BigInt(values.lastVote.candidateIndex) },
    }),
    rollbackId: values.rollbackId,
    ...(values.initialSyncId !== undefined && { initialSyncId: values.initialSyncId }),
    initialSyncRunning: values.initialSyncRunning,
    initialDataOpTime: documentOfOpTime(values.initialDataOpTime),
    promised: documentOfOpTime(values.promised),
  });
  const bytes = new Uint8Array(HEADER_SIZE_BYTES + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, DATA_VERSION, true);
  view.setUint32(8, body.length, true);
  bytes.set(body, HEADER_SIZE_BYTES);
  view.setUint32(12, crc32(body, crc32(bytes.subarray(0, 12))), true);
  return bytes;
}

function decodeFile(bytes: Uint8Array): LocalStateValues {
  if (bytes.length < HEADER_SIZE_BYTES) throw new DataError('damage', `${FILE_NAME} is too short`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw new DataError('damage', `${FILE_NAME} is not a file of this program`);
  const version = view.getUint32(4, true);
  if (version !== DATA_VERSION) {
    throw new DataError('version', `the data is of version ${version}, this program reads version ${DATA_VERSION}`);
  }
  const body = bytes.subarray(HEADER_SIZE_BYTES);
  const checksum = crc32(body, crc32(bytes.subarray(0, 12)));
  if (view.getUint32(8, true) !== body.length || view.getUint32(12, true) !== checksum) {
    throw new DataError('damage', `${FILE_NAME} is damaged: its checksum does not match`);
  }
  return valuesFromDocument(decodeDocument(body));
}

function valuesFromDocument(document: PlainDocument): LocalStateValues {
  const { setName, config, lastVote, rollbackId, initialSyncId, initialSyncRunning } = document;
  return {
    setName: typeof setName === 'string' ? setName : undefined,
    config: isPlainDocument(config) ? config : undefined,
    lastVote: isPlainDocument(lastVote)
      ? { term: termOf(Number(lastVote['term'])), candidateIndex: Number(lastVote['candidateIndex']) }
      : undefined,
    rollbackId: Number(rollbackId),
    initialSyncId: bytesOf(initialSyncId),
    initialSyncRunning: initialSyncRunning === true,
    initialDataOpTime: opTimeOfDocument(document['initialDataOpTime']),
    promised: opTimeOfDocument(document['promised']),
  };
}

function documentOfOpTime({ ts, t }: OpTime): PlainDocument {
  return { ts: BigInt(ts), t: BigInt(t) };
}

/** The null optime when there is none. */
function opTimeOfDocument(document: unknown): OpTime {
  if (!isPlainDocument(document)) return OPTIME_NULL;
  return { ts: Number(document['ts']) as Timestamp, t: termOf(Number(document['t'])) };
}

function isPlainDocument(value: unknown): value is PlainDocument {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The codec may give binary data as a Uint8Array or as the bson package's Binary. */
function bytesOf(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'object' && value !== null && 'buffer' in value && value.buffer instanceof Uint8Array) {
    return value.buffer.slice(0, 16);
  }
  return undefined;
}
