/**
 * Documents by their places: in memory as far as they fit, else in a temporary file.
 *
 * When there are too many, the first ones move into the file, a few with each that is added, so that no single step takes
 * long. They are read in pages, of which some stay in memory.
 */
import { invariant } from '../../base/invariant.ts';
import type { Spill, SpillFile } from './spill_file.ts';

/** A page ends with the document that makes it so long. */
const PAGE_BYTES = 128 * 1024;

/** Pages in memory at a time. */
const PAGES_KEPT = 16;

/** Bytes written for each byte that is added: memory stays below the limit and a third of it. */
const WRITE_RATE = 4;

/** What an entry costs besides its bytes. */
const ENTRY_OVERHEAD_BYTES = 64;

export interface ListEntry {
  readonly key: Uint8Array;
  readonly document: Uint8Array;
}

interface Page {
  /** Place of its first entry. */
  readonly first: number;
  readonly start: number;
}

export interface ListMemory {
  readonly bytesMax: number;
  /** Undefined: without a disk. */
  readonly spill: Spill | undefined;
  /** The error when there is more than fits and no disk. */
  exceeded(): Error;
}

/** Filled first, then read; what it gives is owned by the list. */
export class SpillableList {
  readonly #memory: ListMemory;
  /** Those that are written are taken out. */
  readonly #entries: (ListEntry | undefined)[] = [];
  #bytes = 0;
  #file: SpillFile | undefined;
  #written = 0;
  readonly #pages: Page[] = [];
  /** By number of the page, the one used last at the end. */
  readonly #kept = new Map<number, readonly ListEntry[]>();
  #lastUsed = -1;

  constructor(memory: ListMemory) {
    this.#memory = memory;
  }

  get length(): number {
    return this.#entries.length;
  }

  add(entry: ListEntry): void {
    const size = sizeOf(entry);
    this.#entries.push(entry);
    this.#bytes += size;
    if (this.#bytes <= this.#memory.bytesMax) return;
    const { spill } = this.#memory;
    if (spill === undefined) throw this.#memory.exceeded();
    this.#file ??= spill.open();
    this.#write(size * WRITE_RATE, this.#file);
  }

  get(index: number): ListEntry {
    const entry = this.#entries[index];
    if (entry !== undefined) return entry;
    const file = this.#file;
    invariant(file !== undefined && index >= 0 && index < this.#written, () => `there is an entry ${index}`);
    const page = this.#pageOf(index);
    return this.#read(page, file)[index - this.#pages[page].first];
  }

  /** Removes its file. */
  close(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#kept.clear();
  }

  #write(bytes: number, file: SpillFile): void {
    let left = bytes;
    while (left > 0 && this.#written < this.#entries.length) {
      const entry = this.#entries[this.#written];
      invariant(entry !== undefined, 'what is not written is in memory');
      const page = this.#pages.at(-1);
      if (page === undefined || file.end - page.start >= PAGE_BYTES) {
        this.#pages.push({ first: this.#written, start: file.end });
      }
      file.append(entry.key, entry.document);
      this.#entries[this.#written] = undefined;
      this.#written += 1;
      const size = sizeOf(entry);
      this.#bytes -= size;
      left -= size;
    }
  }

  /** The last page that begins at or before it. */
  #pageOf(index: number): number {
    let low = 0;
    let high = this.#pages.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#pages[middle].first <= index) low = middle;
      else high = middle;
    }
    return low;
  }

  #read(page: number, file: SpillFile): readonly ListEntry[] {
    let entries = this.#kept.get(page);
    if (entries === undefined) {
      entries = entriesIn(file, this.#pages[page].start, this.#pages[page + 1]?.start);
      const [oldest] = this.#kept.keys();
      if (oldest !== undefined && this.#kept.size >= PAGES_KEPT) this.#kept.delete(oldest);
    } else if (page === this.#lastUsed) {
      return entries;
    }
    this.#kept.delete(page);
    this.#kept.set(page, entries);
    this.#lastUsed = page;
    return entries;
  }
}

function entriesIn(file: SpillFile, start: number, end: number | undefined): readonly ListEntry[] {
  const entries: ListEntry[] = [];
  const reader = file.read(start, end);
  while (reader.next()) entries.push({ key: reader.head, document: reader.body });
  return entries;
}

function sizeOf({ key, document }: ListEntry): number {
  return key.length + document.length + ENTRY_OVERHEAD_BYTES;
}
