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

/** The folder of temporary files of one member. Whoever opens a file closes it, which removes it. */
export class SpillFolder {
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

  open(): SpillFile {
    this.#opened += 1;
    const path = `${this.#folder}/${this.#opened}`;
    return new SpillFile(this.#files, path, () => {
      this.#files.makeDirectory(this.#folder);
      return this.#files.open(path);
    });
  }
}

export class SpillFile {
  readonly #files: Files;
  readonly #path: string;
  readonly #open: () => FileHandle;
  #handle: FileHandle | undefined;
  #isClosed = false;
  #buffer = new Uint8Array(0);
  #used = 0;
  #written = 0;

  constructor(files: Files, path: string, open: () => FileHandle) {
    this.#files = files;
    this.#path = path;
    this.#open = open;
  }

  /** Bytes appended so far: where the next record begins. */
  get end(): number {
    return this.#written + this.#used;
  }

  append(head: Uint8Array, body: Uint8Array): void {
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
    return new SpillReader((into, position) => this.#io((handle) => handle.read(into, position)), start, end);
  }

  /** Removes the file. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#buffer = new Uint8Array(0);
    this.#handle?.close();
    if (this.#handle !== undefined) this.#files.remove(this.#path);
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
      this.#handle ??= this.#open();
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
  body = new Uint8Array(0);
  readonly #readAt: ReadAt;
  readonly #end: number;
  #buffer = new Uint8Array(READ_BUFFER_BYTES);
  /** What is read and not yet passed: [#at, #filled) of the buffer. */
  #at = 0;
  #filled = 0;
  /** Of the file, behind what is in the buffer. */
  #position: number;

  constructor(readAt: ReadAt, start: number, end: number) {
    this.#readAt = readAt;
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
    this.body = this.#buffer.slice(body, body + bodyLength);
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
