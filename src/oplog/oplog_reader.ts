/** Cursors over the oplog. */
import { CommandError } from '../base/command_error.ts';
import { TIMESTAMP_NULL, type Timestamp } from '../base/optime.ts';
import type { JournalReader } from '../storage/journal_reader.ts';
import { EntryView } from './entry.ts';
import type { Tail } from './tail.ts';

export interface OplogReaderOptions {
  /** Entries at or after it. */
  readonly from?: Timestamp;
  /** Entries after it. */
  readonly after?: Timestamp;
  /** Newest first, down to the bound above; else oldest first, and then what is appended later. */
  readonly reverse?: boolean;
  /** Entries after what it returns are not there yet for this reader. Asked at each step; backwards only at the first. */
  readonly upTo?: () => Timestamp;
}

export interface OplogReader {
  /**
   * The next entry, or undefined when there is none; going forwards there may be one later. The bytes must not be
   * changed. Throws CommandError 'CappedPositionLost' when the entry was dropped or cut before it was read.
   */
  next(): Uint8Array | undefined;
  /** The timestamp of the entry that `next` returned last; TIMESTAMP_NULL before the first. */
  readonly lastRead: Timestamp;
}

/** What readers need of the oplog. */
export interface EntrySource {
  readonly tail: Tail;
  /** Sequences; `first` is `appended + 1` when there are no entries. */
  first(): number;
  appended(): number;
  /** Counts the cuts. */
  cuts(): number;
  lowestCutSince(seen: number): number;
  read(sequence: number): JournalReader;
  readBackward(sequence: number): JournalReader;
}

export interface ReaderStart {
  readonly source: EntrySource;
  /** The sequence to begin with. */
  readonly next: number;
  /** Entries before it are skipped: those that come later may still be older than what is asked for. */
  readonly from: Timestamp;
  readonly upTo: (() => Timestamp) | undefined;
}

export class ForwardOplogReader implements OplogReader {
  readonly #source: EntrySource;
  readonly #from: Timestamp;
  readonly #upTo: (() => Timestamp) | undefined;
  readonly #view = new EntryView();
  #next: number;
  #cutsSeen: number;
  #disk: JournalReader | undefined;
  /** Read from disk and not yet allowed to be seen. */
  #held: Uint8Array | undefined;
  #lastRead: Timestamp = TIMESTAMP_NULL;

  constructor(start: ReaderStart) {
    this.#source = start.source;
    this.#from = start.from;
    this.#upTo = start.upTo;
    this.#next = start.next;
    this.#cutsSeen = start.source.cuts();
  }

  get lastRead(): Timestamp {
    return this.#lastRead;
  }

  next(): Uint8Array | undefined {
    const source = this.#source;
    if (source.cuts() !== this.#cutsSeen) this.#meetCut();
    for (;;) {
      const sequence = this.#next;
      if (sequence > source.appended()) return undefined;
      if (sequence < source.first()) throw positionLost();
      const isInMemory = source.tail.has(sequence);
      const entry = isInMemory ? source.tail.entry(sequence) : this.#fromDisk(sequence);
      const ts = isInMemory ? source.tail.optime(sequence).ts : this.#view.reset(entry).ts;
      if (this.#upTo !== undefined && ts > this.#upTo()) return undefined;
      this.#next = sequence + 1;
      this.#held = undefined;
      if (isInMemory) this.#disk = undefined;
      if (ts < this.#from) continue;
      this.#lastRead = ts;
      return entry;
    }
  }

  #fromDisk(sequence: number): Uint8Array {
    if (this.#held !== undefined) return this.#held;
    this.#disk ??= this.#source.read(sequence);
    const entry = this.#disk.next();
    if (entry === undefined) throw positionLost();
    this.#held = entry;
    return entry;
  }

  #meetCut(): void {
    if (this.#next > this.#source.lowestCutSince(this.#cutsSeen) + 1) throw positionLost();
    this.#cutsSeen = this.#source.cuts();
    this.#disk = undefined;
    this.#held = undefined;
  }
}

export class BackwardOplogReader implements OplogReader {
  readonly #source: EntrySource;
  readonly #from: Timestamp;
  readonly #upTo: (() => Timestamp) | undefined;
  readonly #view = new EntryView();
  #next: number;
  #cutsSeen: number;
  #disk: JournalReader | undefined;
  #lastRead: Timestamp = TIMESTAMP_NULL;

  constructor(start: ReaderStart) {
    this.#source = start.source;
    this.#from = start.from;
    this.#upTo = start.upTo;
    this.#next = start.next;
    this.#cutsSeen = start.source.cuts();
  }

  get lastRead(): Timestamp {
    return this.#lastRead;
  }

  next(): Uint8Array | undefined {
    const source = this.#source;
    if (source.cuts() !== this.#cutsSeen) this.#meetCut();
    while (this.#next >= source.first() && this.#next > 0) {
      const sequence = this.#next;
      const isInMemory = source.tail.has(sequence);
      const entry = isInMemory ? source.tail.entry(sequence) : this.#fromDisk(sequence);
      const ts = isInMemory ? source.tail.optime(sequence).ts : this.#view.reset(entry).ts;
      this.#next = sequence - 1;
      if (this.#lastRead === TIMESTAMP_NULL && this.#upTo !== undefined && ts > this.#upTo()) continue;
      if (ts < this.#from) {
        this.#next = 0;
        return undefined;
      }
      this.#lastRead = ts;
      return entry;
    }
    return undefined;
  }

  #fromDisk(sequence: number): Uint8Array {
    this.#disk ??= this.#source.readBackward(sequence);
    const entry = this.#disk.next();
    if (entry === undefined) throw positionLost();
    return entry;
  }

  #meetCut(): void {
    if (this.#next > this.#source.lowestCutSince(this.#cutsSeen)) throw positionLost();
    this.#cutsSeen = this.#source.cuts();
  }
}

function positionLost(): CommandError {
  return new CommandError(
    'CappedPositionLost',
    'CollectionScan died due to position in capped collection being deleted. Last seen record is no longer there',
  );
}
