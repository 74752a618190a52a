/**
 * What a member knows about itself and must not lose, apart from its data: the configuration, its last vote, the
 * rollback id and the mark of an initial sync. One small file, `member.state`, replaced as a whole.
 *
 * A change is durable when the promise of its method resolves; changes are written one after another, and those that
 * come in while a write is under way share the next one. The format is in docs/member-state.md.
 */
import { crc32 } from 'node:zlib';
import { decodeDocument, encodeDocument } from '../bson/codec.ts';
import type { Env, FileHandle } from '../base/env.ts';
import { invariant } from '../base/invariant.ts';
import { OPTIME_NULL, termOf, type OpTime, type Term, type Timestamp } from '../base/optime.ts';

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
}

const EMPTY: LocalStateValues = {
  setName: undefined,
  config: undefined,
  lastVote: undefined,
  rollbackId: 1,
  initialSyncId: undefined,
  initialSyncRunning: false,
  initialDataOpTime: OPTIME_NULL,
};

const FILE_NAME = 'member.state';
const TEMPORARY_NAME = 'member.state.new';

/** 'QSTA', little-endian. */
const MAGIC = 0x4154_5351;

/** Version of everything below the data folder. A folder of another version is refused. */
export const DATA_VERSION = 1;

const HEADER_SIZE_BYTES = 16;

/** The folder belongs to another version of the program, or the file is damaged; the message is for the operator. */
export class LocalStateError extends Error {
  override get name(): string {
    return 'LocalStateError';
  }
}

export class LocalState {
  readonly #env: Env;
  readonly #onFailure: (error: unknown) => void;
  #values: LocalStateValues;
  #writing: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  private constructor(env: Env, values: LocalStateValues, onFailure: (error: unknown) => void) {
    this.#env = env;
    this.#values = values;
    this.#onFailure = onFailure;
  }

  /**
   * Reads the file; a missing one is an empty state. Throws {@link LocalStateError}.
   * @param onFailure called when a write fails; the member must stop then
   */
  static open(env: Env, onFailure: (error: unknown) => void): LocalState {
    if (env.files.exists(TEMPORARY_NAME)) env.files.remove(TEMPORARY_NAME);
    if (!env.files.exists(FILE_NAME)) return new LocalState(env, EMPTY, onFailure);
    return new LocalState(env, decodeFile(readWhole(env.files.open(FILE_NAME))), onFailure);
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
      await this.#write(encodeFile(this.#values));
    } catch (error) {
      this.#onFailure(error);
      throw error;
    }
    if (this.#writing === write) this.#writing = undefined;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const { files } = this.#env;
    const file = files.open(TEMPORARY_NAME);
    try {
      file.truncate(bytes.length);
      file.write(bytes, 0);
      await file.sync();
    } finally {
      file.close();
    }
    files.rename(TEMPORARY_NAME, FILE_NAME);
    await files.syncDirectory('');
  }
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
    initialDataOpTime: { ts: BigInt(values.initialDataOpTime.ts), t: BigInt(values.initialDataOpTime.t) },
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
  if (bytes.length < HEADER_SIZE_BYTES) throw new LocalStateError(`${FILE_NAME} is too short`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw new LocalStateError(`${FILE_NAME} is not a file of this program`);
  const version = view.getUint32(4, true);
  if (version !== DATA_VERSION) {
    throw new LocalStateError(`the data is of version ${version}, this program reads version ${DATA_VERSION}`);
  }
  const body = bytes.subarray(HEADER_SIZE_BYTES);
  const checksum = crc32(body, crc32(bytes.subarray(0, 12)));
  if (view.getUint32(8, true) !== body.length || view.getUint32(12, true) !== checksum) {
    throw new LocalStateError(`${FILE_NAME} is damaged: its checksum does not match`);
  }
  return valuesFromDocument(decodeDocument(body));
}

function valuesFromDocument(document: PlainDocument): LocalStateValues {
  const { setName, config, lastVote, rollbackId, initialSyncId, initialSyncRunning, initialDataOpTime } = document;
  return {
    setName: typeof setName === 'string' ? setName : undefined,
    config: isPlainDocument(config) ? config : undefined,
    lastVote: isPlainDocument(lastVote)
      ? { term: termOf(Number(lastVote['term'])), candidateIndex: Number(lastVote['candidateIndex']) }
      : undefined,
    rollbackId: Number(rollbackId),
    initialSyncId: bytesOf(initialSyncId),
    initialSyncRunning: initialSyncRunning === true,
    initialDataOpTime: isPlainDocument(initialDataOpTime)
      ? { ts: Number(initialDataOpTime['ts']) as Timestamp, t: termOf(Number(initialDataOpTime['t'])) }
      : OPTIME_NULL,
  };
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
