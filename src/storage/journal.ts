/**
 * The journal: numbered records in preallocated files, appended in order and made durable in groups.
 *
 * It knows nothing of what its records mean; the oplog appends its entries and reads them back. The concepts:
 *
 * - A *record* has a sequence, from 1 up without gaps. It lies in a *frame* with its length, its sequence and a CRC-32C.
 * - A *segment* is a file of many frames. Segments are made ahead of need and used again when their records were dropped.
 * - A record is *appended* when it has its sequence, *flushed* when the operating system has it (the death of the
 *   process loses nothing from then on), *durable* when a crash of the machine loses nothing.
 *
 * Life of a record: `append` puts its frame into a buffer; at the end of the turn, or by `flush`, the buffer goes to
 * the file; a sync follows at once when somebody waits by `durableAt`, otherwise within 100 ms. After a failed write or
 * sync nothing is known, so the journal takes nothing more, confirms nothing, and tells its owner to stop.
 *
 * docs/journal-format.md describes the files. Not done here: retention (the oplog's), compression, encryption.
 */
import type { Env } from '../base/env.ts';
import { invariant } from '../base/invariant.ts';
import { JOURNAL_BUFFER_BYTES, JOURNAL_SEGMENT_BYTES } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { GroupCommit } from './journal_commit.ts';
import { announceCut, clearRange, completeCut } from './journal_cut.ts';
import {
  FRAME_HEADER_BYTES,
  SEGMENT_HEADER_BYTES,
  frameSize,
  sealFrame,
  writeFrameSequences,
} from './journal_format.ts';
import { BackwardReader, ForwardReader, frameEnd, type JournalReader, type RecordSource } from './journal_reader.ts';
import { recoverJournal, type Recovered } from './journal_recovery.ts';
import type { Segment } from './journal_segment.ts';
import { JournalSpace } from './journal_space.ts';

export interface JournalOptions {
  readonly env: Env;
  readonly log: Log;
  /** Made when it is missing. */
  readonly directory: string;
  readonly segmentSizeBytes?: number;
  /** Called once, after a failed write or sync or damage found by a reader: the member must stop. */
  readonly onFailure: (error: unknown) => void;
}

/** Part of a journal in one file. */
export interface JournalStretch {
  readonly first: number;
  readonly last: number;
  readonly sizeBytes: number;
}

/**
 * Invariants: first - 1 <= durable <= appended; what is in the buffer lies between `#bufferedFrom` and the end of the
 * active segment.
 */
export class Journal {
  readonly #options: JournalOptions;
  readonly #space: JournalSpace;
  readonly #commit: GroupCommit;
  readonly #cutLog: number[] = [];
  #buffer = new Uint8Array(JOURNAL_BUFFER_BYTES);
  #buffered = 0;
  #bufferedFrom = 0;
  readonly #source: RecordSource;
  #active: Segment;
  #appended: number;
  #isTurnEndDue = false;
  #isPreparing = false;
  #isCutting = false;
  #isClosed = false;
  #failure: { readonly error: unknown } | undefined;

  /**
   * Cuts what a crash tore off. Rejects with JournalDamageError when a record that was durable is damaged, and with
   * IoError. Yields.
   */
  static async open(options: JournalOptions): Promise<Journal> {
    const spaceOptions = {
      env: options.env,
      files: options.env.files,
      log: options.log,
      directory: options.directory,
      segmentSizeBytes: options.segmentSizeBytes ?? JOURNAL_SEGMENT_BYTES,
    };
    invariant(spaceOptions.segmentSizeBytes >= 2 * SEGMENT_HEADER_BYTES, 'a segment has room for records');
    invariant(spaceOptions.segmentSizeBytes % 8 === 0, 'frames are aligned to 8 bytes');
    const recovered = await recoverJournal(spaceOptions);
    return new Journal(options, new JournalSpace(spaceOptions, recovered), recovered);
  }

  private constructor(options: JournalOptions, space: JournalSpace, recovered: Recovered) {
    this.#options = options;
    this.#space = space;
    this.#active = space.active;
    this.#bufferedFrom = space.active.end;
    this.#appended = recovered.appended;
    const target = {
      appended: () => this.#appended,
      flush: () => this.flush(),
      sync: () => this.#space.sync(),
      testify: () => this.#testify(),
      failed: (error: unknown) => this.#fail(error),
    };
    this.#commit = new GroupCommit(options.env, target, recovered);
    this.#source = {
      first: () => this.first,
      appended: () => this.#appended,
      cuts: () => this.#cutLog.length,
      lowestCutSince: (seen) => Math.min(...this.#cutLog.slice(seen)),
      segmentOf: (sequence) => this.#space.segmentOf(sequence),
      flush: () => this.flush(),
      damaged: (error) => this.#commit.fail(error),
    };
    this.#prepare();
  }

  /** The sequence of the last record; 0 in a new journal. */
  get appended(): number {
    return this.#appended;
  }

  /** The sequence up to which a crash loses nothing. */
  get durable(): number {
    return this.#commit.durable;
  }

  /** The sequence of the oldest record; `appended + 1` when there is none. */
  get first(): number {
    const { first } = this.#space.live[0];
    return first === 0 ? this.#appended + 1 : first;
  }

  /** Of what the records take, without the room reserved for more. */
  get sizeBytes(): number {
    let sum = 0;
    for (const segment of this.#space.live) sum += segment.end - SEGMENT_HEADER_BYTES;
    return sum;
  }

  /** The files from the oldest to the newest record; those without records are left out. */
  stretches(): JournalStretch[] {
    return this.#space.live
      .filter((segment) => !segment.isEmpty)
      .map(({ first, last, end }) => ({ first, last, sizeBytes: end - SEGMENT_HEADER_BYTES }));
  }

  /** Sequences, ascending, at which reading starts fast; at most 64 KiB or one record apart. */
  startingPoints(): number[] {
    return this.#space.live.flatMap((segment) => segment.pointSequences);
  }

  /**
   * Takes a copy of the record and returns its sequence. Throws CommandError 'OutOfDiskSpace' when there is no room
   * left: nothing has changed then, and it may be tried again later.
   */
  append(record: Uint8Array): number {
    const { length } = record;
    invariant(length > 0, 'a record has bytes');
    this.#checkUsable();
    const size = frameSize(length);
    if (this.#active.end + size > this.#active.allocatedBytes) this.#takeRoom(size);
    if (this.#buffered + size > this.#buffer.length) this.#emptyBuffer(size);
    const at = this.#buffered;
    const sequence = this.#appended + 1;
    this.#buffer.set(record, at + FRAME_HEADER_BYTES);
    writeFrameSequences(this.#buffer, at, sequence, this.#commit.durable);
    sealFrame(this.#buffer, at, length);
    this.#buffered = at + size;
    this.#active.noteRecord(sequence, size);
    this.#appended = sequence;
    if (!this.#isTurnEndDue) this.#awaitTurnEnd();
    return sequence;
  }

  /** Hands all that was appended to the operating system before it returns; costs nothing when that is done already. */
  flush(): void {
    if (this.#buffered === 0) return;
    const active = this.#active;
    invariant(this.#bufferedFrom + this.#buffered === active.end, 'the buffer ends where the segment ends');
    try {
      active.file.write(this.#buffer.subarray(0, this.#buffered), this.#bufferedFrom);
    } catch (error) {
      this.#commit.fail(error);
      throw error;
    }
    active.dirty = true;
    this.#bufferedFrom = active.end;
    this.#buffered = 0;
    if (this.#buffer.length > JOURNAL_BUFFER_BYTES) this.#buffer = new Uint8Array(JOURNAL_BUFFER_BYTES);
  }

  /** Resolves when the record is durable, asking for a sync now. Cheap for many waiters. Rejects when the journal fails. */
  durableAt(sequence: number): Promise<void> {
    return this.#commit.durableAt(sequence);
  }

  /** Calls back with the new `durable` after each sync, before those who wait for it go on. */
  onDurable(callback: (sequence: number) => void): void {
    this.#commit.onDurable(callback);
  }

  /** Reads from that record on; it need not be there yet. */
  read(from: number): JournalReader {
    return new ForwardReader(this.#source, from);
  }

  /** Reads that record, then the one before it, and so on. */
  readBackward(from: number): JournalReader {
    invariant(from <= this.#appended, 'reading backwards begins at a record');
    return new BackwardReader(this.#source, from);
  }

  /**
   * Removes the records after `sequence`, which is `first - 1` or later; the next record follows it. Nothing may be
   * appended until it resolves. No crash brings a removed record back after that; one before it leaves all or none.
   */
  async truncateAfter(sequence: number): Promise<void> {
    invariant(sequence >= this.first - 1 && sequence <= this.#appended, 'the journal is cut within its records');
    this.#checkUsable();
    this.#isCutting = true;
    try {
      await this.#cut(sequence);
    } catch (error) {
      this.#commit.fail(error);
      throw error;
    } finally {
      this.#isCutting = false;
    }
    invariant(this.durable === sequence, 'all that a cut leaves is durable');
  }

  /** Lets go of records before `sequence`, in whole files, which are used again. The record itself must be durable. */
  dropBefore(sequence: number): void {
    invariant(sequence <= this.durable, 'only durable records drop those before them');
    this.#checkUsable();
    this.#space.dropBefore(sequence);
    this.#prepare();
  }

  /** Makes everything durable and closes the files. Readers are useless afterwards. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    if (this.#failure === undefined) {
      await this.#commit.drain();
      this.#testify();
      await this.#space.sync();
    }
    this.#isClosed = true;
    this.#commit.stop();
    await this.#commit.idle();
    while (this.#isPreparing) await this.#options.env.breathe();
    this.#space.close();
  }

  #checkUsable(): void {
    invariant(!this.#isCutting, 'nothing is appended during a cut');
    invariant(!this.#isClosed, 'the journal is open');
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #takeRoom(size: number): void {
    let room: Segment;
    try {
      room = this.#space.reserve(size, this.#appended);
    } catch (error) {
      this.#prepare();
      throw error;
    }
    if (room === this.#active) return;
    this.flush();
    this.#active = room;
    this.#bufferedFrom = room.end;
  }

  #emptyBuffer(size: number): void {
    this.flush();
    if (size > this.#buffer.length) this.#buffer = new Uint8Array(size);
  }

  #awaitTurnEnd(): void {
    this.#isTurnEndDue = true;
    this.#commit.noteAppended();
    this.#options.env.endOfTurn(this.#endTurn);
  }

  readonly #endTurn = (): void => {
    this.#isTurnEndDue = false;
    if (this.#isClosed || this.#failure !== undefined) return;
    try {
      this.flush();
      this.#prepare();
    } catch (error) {
      this.#commit.fail(error);
    }
  };

  /** Makes room ahead, a step in each turn. */
  #prepare(): void {
    if (this.#isPreparing) return;
    this.#isPreparing = true;
    void this.#prepareAll();
  }

  async #prepareAll(): Promise<void> {
    try {
      while (this.#mayPrepare()) {
        const grown = this.#space.prepare(this.#appended);
        if (grown === undefined) break;
        await grown.file.sync();
      }
      if (this.#mayPrepare()) await this.#space.settle();
    } catch (error) {
      this.#commit.fail(error);
    } finally {
      this.#isPreparing = false;
    }
  }

  #mayPrepare(): boolean {
    return !this.#isClosed && !this.#isCutting && this.#failure === undefined;
  }

  /** Says on disk that everything is durable, so that damage to the last records is told from a torn end. */
  #testify(): void {
    const size = frameSize(0);
    const active = this.#active;
    if (active.isEmpty || this.#isCutting || this.durable !== this.#appended) return;
    if (active.end + size > active.allocatedBytes) return;
    this.flush();
    const mark = new Uint8Array(size);
    writeFrameSequences(mark, 0, this.#appended, this.#appended);
    sealFrame(mark, 0, 0);
    active.file.write(mark, active.end);
    active.noteMark(size);
    active.dirty = true;
    this.#bufferedFrom = active.end;
    this.#commit.noteTestified(this.#appended);
  }

  async #cut(sequence: number): Promise<void> {
    const { env, directory } = this.#options;
    await this.#commit.drain();
    while (this.#isPreparing) await env.breathe();
    if (sequence === this.#appended) return;
    const keepsNothing = sequence < this.first;
    await announceCut(env.files, directory, { sequence, keepsNothing });
    const cleared = keepsNothing ? this.#removeAll(sequence) : this.#removeAfter(sequence);
    this.#active = this.#space.active;
    this.#bufferedFrom = this.#active.end;
    this.#appended = sequence;
    this.#cutLog.push(sequence);
    this.#commit.cut(sequence);
    await clearRange(this.#active, this.#active.end, cleared, env);
    await this.#space.sync();
    await env.files.syncDirectory(directory);
    await completeCut(env.files, directory);
  }

  /** Returns the offset up to which the active segment holds what was cut. */
  #removeAll(sequence: number): number {
    const number = this.#active.number + 1;
    this.#space.removeAfter(-1);
    this.#space.restart(number, sequence);
    return this.#space.active.end;
  }

  #removeAfter(sequence: number): number {
    const segment = this.#space.segmentOf(sequence);
    const end = segment.end;
    const keptEnd = frameEnd(segment, sequence);
    this.#space.removeAfter(this.#space.live.indexOf(segment));
    segment.cutAfter(sequence, keptEnd);
    return end;
  }

  #fail(error: unknown): void {
    this.#failure = { error };
    this.#options.onFailure(error);
  }
}
