import { invariant } from '../../base/invariant.ts';
import type { EntrySource, SortedRun } from '../../storage/entry_source.ts';
import type { SpillFile, SpillReader } from '../../query/spill/spill_file.ts';

const NO_BYTES = new Uint8Array(0);

/**
 * Entries in order in a temporary file: written once, then read. A record is the entry, key and value together, and the
 * length of the value in one byte.
 */
export class SpilledRun implements SortedRun {
  bytes: Uint8Array = NO_BYTES;
  readonly start = 0;
  keyEnd = 0;
  end = 0;
  first: Uint8Array = NO_BYTES;
  last: Uint8Array = NO_BYTES;
  readonly #file: SpillFile;
  #reader: SpillReader | undefined;

  /** Owns the file. */
  constructor(file: SpillFile) {
    this.#file = file;
  }

  /** Needs an entry above the last one, with a value of at most 255 bytes. */
  append({ bytes, start, keyEnd, end }: EntrySource): void {
    invariant(end - keyEnd <= 0xff, 'values of index entries are short');
    this.last = bytes.slice(start, keyEnd);
    if (this.first.length === 0) this.first = this.last;
    this.#file.append(bytes.subarray(start, end), Uint8Array.of(end - keyEnd));
  }

  rewind(): void {
    this.#reader = this.#file.read();
  }

  next(): boolean {
    const reader = this.#reader;
    invariant(reader !== undefined, 'a run is read after it was written');
    if (!reader.next()) return false;
    this.bytes = reader.head;
    this.end = reader.head.length;
    this.keyEnd = this.end - reader.body[0];
    return true;
  }

  /** Removes the file. */
  close(): void {
    this.#file.close();
  }
}
