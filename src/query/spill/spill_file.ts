/**
 * Temporary files for what does not fit the memory of a stage.
 *
 * A file is a sequence of records, each of two byte strings, that is written once and read from the beginning or from
 * any place that was noted. Layout of a record: the lengths of both as 32-bit little-endian numbers, then both. Nothing is
 * synced: a file means nothing once its process is gone.
 */
import { CommandError } from '../../base/command_error.ts';
import { IoError, type FileHandle, type Files } from '../../base/env.ts';
import { uint32At, writeInt32 } from '../../bson/bytes.ts';

const HEADER_BYTES = 8;
const WRITE_BUFFER_BYTES = 256 * 1024;
const READ_BUFFER_BYTES = 128 * 1024;

/** Where temporary files are opened. Whoever opens one closes it, which removes it. */
export interface Spill {
  open(): SpillFile;
  /** The same for documents that more is known of than they hold. */
  carrying(baggage: Baggage): Spill;
}

/** What goes with documents into a file and comes back with them. */
export interface Baggage {
  /** The document, maybe with something behind it. */
  packed(document: Uint8Array): Uint8Array;
  /** The document alone; what was behind it is known of it again. */
  unpacked(bytes: Uint8Array): Uint8Array;
}

const NO_BAGGAGE: Baggage = { packed: (document) => document, unpacked: (bytes) => bytes };

/** The folder of temporary files of one member. */
export class SpillFolder implements Spill {
  readonly #files: Files;
  readonly #folder: string;
  #opened = 0;

  constructor(files: Files, folder: string) {
    this.#files = files;
    this.#folder = folder;
  }

  /** Removes what a process that died has left. */
  clear(): void {
    for (const name of this.#files.list(this.#folder)) this.#files.remove(`${this.#folder}/${name}`);
  }

  open(baggage = NO_BAGGAGE): SpillFile {
    this.#opened += 1;
    const path = `${this.#folder}/${this.#opened}`;
    const open = (): FileHandle => {
      this.#files.makeDirectory(this.#folder);
      return this.#files.open(path);
    };
    return new SpillFile({ files: this.#files, path, open, baggage });
  }

  carrying(baggage: Baggage): Spill {
    const spill: Spill = { open: () => this.open(baggage), carrying: () => spill };
    return spill;
  }
}

interface SpillFileParts {
  readonly files: Files;
  readonly path: string;
  readonly open: () => FileHandle;
  readonly baggage: Baggage;
}

export class SpillFile {
  readonly #parts: SpillFileParts;
  #handle: FileHandle | undefined;
  #isClosed = false;
  #buffer = new Uint8Array(0);
  #used = 0;
  #written = 0;

  constructor(parts: SpillFileParts) {
    this.#parts = parts;
  }

  /** Bytes appended so far: where the next record begins. */
  get end(): number {
    return this.#written + this.#used;
  }

  append(head: Uint8Array, document: Uint8Array): void {
    const body = this.#parts.baggage.packed(document);
    const size = HEADER_BYTES + head.length + body.length;
    if (this.#used + size > this.#buffer.length) {
      this.#flush();
      if (size > this.#buffer.length) this.#buffer = new Uint8Array(Math.max(size, WRITE_BUFFER_BYTES));
    }
    writeInt32(this.#buffer, this.#used, head.length);
    writeInt32(this.#buffer, this.#used + 4, body.length);
    this.#buffer.set(head, this.#used + HEADER_BYTES);
    this.#buffer.set(body, this.#used + HEADER_BYTES + head.length);
    this.#used += size;
  }

  /** Reads the records from `start` to before `end`; nothing may be appended meanwhile. */
  read(start = 0, end = this.end): SpillReader {
    this.#flush();
    this.#buffer = new Uint8Array(0);
    const readAt: ReadAt = (into, position) => this.#io((handle) => handle.read(into, position));
    return new SpillReader(readAt, this.#parts.baggage, start, end);
  }

  /** Removes the file. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#buffer = new Uint8Array(0);
    this.#handle?.close();
    if (this.#handle !== undefined) this.#parts.files.remove(this.#parts.path);
  }

  #flush(): void {
    if (this.#used === 0) return;
    const bytes = this.#buffer.subarray(0, this.#used);
    this.#io((handle) => handle.write(bytes, this.#written));
    this.#written += this.#used;
    this.#used = 0;
  }

  /** What a disk refuses here loses nothing but the query. */
  #io<T>(action: (handle: FileHandle) => T): T {
    try {
      this.#handle ??= this.#parts.open();
      return action(this.#handle);
    } catch (error) {
      if (!(error instanceof IoError)) throw error;
      const code = error.kind === 'noSpace' ? 'OutOfDiskSpace' : 'InternalError';
      throw new CommandError(code, `a temporary file failed: ${error.message}`, {}, { cause: error });
    }
  }
}

type ReadAt = (into: Uint8Array, position: number) => number;

/** Goes through records one by one. */
export class SpillReader {
  /** Of the current record; both are copies. */
  head = new Uint8Array(0);
  body: Uint8Array = new Uint8Array(0);
  readonly #readAt: ReadAt;
  readonly #baggage: Baggage;
  readonly #end: number;
  #buffer = new Uint8Array(READ_BUFFER_BYTES);
  /** What is read and not yet passed: [#at, #filled) of the buffer. */
  #at = 0;
  #filled = 0;
  /** Of the file, behind what is in the buffer. */
  #position: number;

  constructor(readAt: ReadAt, baggage: Baggage, start: number, end: number) {
    this.#readAt = readAt;
    this.#baggage = baggage;
    this.#position = start;
    this.#end = end;
  }

  /** False at the end. */
  next(): boolean {
    if (this.#filled - this.#at === 0 && this.#position >= this.#end) return false;
    this.#need(HEADER_BYTES);
    const headLength = uint32At(this.#buffer, this.#at);
    const bodyLength = uint32At(this.#buffer, this.#at + 4);
    const size = HEADER_BYTES + headLength + bodyLength;
    this.#need(size);
    const head = this.#at + HEADER_BYTES;
    const body = head + headLength;
    this.head = this.#buffer.slice(head, body);
    this.body = this.#baggage.unpacked(this.#buffer.slice(body, body + bodyLength));
    this.#at += size;
    return true;
  }

  /** Makes that many bytes available. */
  #need(size: number): void {
    const rest = this.#filled - this.#at;
    if (rest >= size) return;
    const buffer = size > this.#buffer.length ? new Uint8Array(size) : this.#buffer;
    buffer.set(this.#buffer.subarray(this.#at, this.#filled));
    this.#buffer = buffer;
    this.#at = 0;
    this.#filled = rest;
    while (this.#filled < size) {
      const wanted = Math.min(buffer.length - this.#filled, this.#end - this.#position);
      const count = this.#readAt(buffer.subarray(this.#filled, this.#filled + wanted), this.#position);
      if (count <= 0)
        throw new CommandError('InternalError', 'a temporary file is shorter than what was written to it');
      this.#filled += count;
      this.#position += count;
    }
  }
}
