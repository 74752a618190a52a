/**
 * The files of the journal: the live segments in order, the room reserved ahead of the writes, and what is used again.
 *
 * Room is taken before anything is promised: a record is accepted only into blocks that the file already has, so a full
 * disk refuses it cleanly. New room is made in steps between turns, and files of dropped records are used again.
 */
import { CommandError } from '../base/command_error.ts';
import { IoError, type Files } from '../base/env.ts';
import { invariant } from '../base/invariant.ts';
import {
  JOURNAL_FREE_SEGMENTS_MAX,
  JOURNAL_ROOM_BYTES,
  JOURNAL_ROOM_RUSH_BYTES,
  JOURNAL_ROOM_STEP_BYTES,
} from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { SEGMENT_HEADER_BYTES } from './journal_format.ts';
import { Segment } from './journal_segment.ts';

export interface JournalSpaceOptions {
  readonly files: Files;
  readonly log: Log;
  readonly directory: string;
  readonly segmentSizeBytes: number;
}

/** What is on disk; see journal_recovery.ts. */
export interface FoundSegments {
  /** In order, without gaps; at least one. The last one takes the next record. */
  readonly live: readonly Segment[];
  /** An empty one whose number follows. */
  readonly spare: Segment | undefined;
}

/** Invariants: numbers of live segments and the spare are consecutive; only the last live one may be empty. */
export class JournalSpace {
  readonly #options: JournalSpaceOptions;
  readonly #live: Segment[];
  /** Oldest first: the numbers on disk stay without gaps when they are used again in that order. */
  readonly #free: Segment[] = [];
  #spare: Segment | undefined;
  #refusing = false;
  /** Room is made in runs: a sync after the file grew costs more than one that only writes over it. */
  #growing = false;
  #removals = 0;
  #removalsSynced = 0;

  constructor(options: JournalSpaceOptions, found: FoundSegments) {
    invariant(found.live.length > 0, 'the journal has a segment');
    this.#options = options;
    this.#live = [...found.live];
    this.#spare = found.spare;
  }

  get live(): readonly Segment[] {
    return this.#live;
  }

  /** The segment that takes records. */
  get active(): Segment {
    return this.#live[this.#live.length - 1];
  }

  /** The live segment that holds a record. */
  segmentOf(sequence: number): Segment {
    let low = 0;
    let high = this.#live.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      const { first } = this.#live[middle];
      if (first !== 0 && first <= sequence) low = middle;
      else high = middle - 1;
    }
    const segment = this.#live[low];
    invariant(sequence >= segment.first, `record ${sequence} is in the journal`);
    invariant(sequence <= segment.last, `record ${sequence} was appended`);
    return segment;
  }

  /**
   * Makes room for a frame at the end of the active segment, or makes another one active. Throws CommandError
   * 'OutOfDiskSpace' when there is none: nothing has changed then.
   * @param appended the last sequence so far, the new segment's floor
   */
  reserve(frameBytes: number, appended: number): Segment {
    const active = this.active;
    try {
      if (active.end + frameBytes <= active.capacityBytes) {
        growTo(active, active.end + frameBytes);
      } else {
        this.#advance(frameBytes, appended);
      }
    } catch (error) {
      if (error instanceof IoError && error.kind === 'noSpace') throw this.#refuse(error);
      throw error;
    }
    this.#accept();
    return this.active;
  }

  /**
   * One step of making room ahead of need. Returns the file that grew, which the caller syncs before the next step: a
   * group of records must not wait for a long run of zeros. Never fails for want of space.
   */
  prepare(appended: number): Segment | undefined {
    try {
      return this.#prepareStep(appended);
    } catch (error) {
      if (!(error instanceof IoError) || error.kind !== 'noSpace') throw error;
      this.#refuse(error);
      return undefined;
    }
  }

  /** Makes all that was written to live segments before the call durable. */
  async sync(): Promise<void> {
    const dirty = this.#dirtySegments();
    if (dirty.length === 1) await dirty[0].file.sync();
    else await Promise.all(dirty.map((segment) => segment.file.sync()));
    for (const segment of dirty) {
      if (!segment.named) await this.#name(segment);
    }
  }

  /** Makes the spare, and that files were removed, durable before it matters. */
  async settle(): Promise<void> {
    const spare = this.#spare;
    if (spare?.dirty) {
      spare.dirty = false;
      await spare.file.sync();
      spare.takesRecords = true;
      if (!spare.named) await this.#name(spare);
    }
    if (this.#removals > this.#removalsSynced) await this.#syncDirectory();
  }

  /** Frees whole segments all of whose records are before `sequence`; the one that takes records stays. */
  dropBefore(sequence: number): void {
    while (this.#live.length > 1) {
      const next = this.#live[1];
      if (next.first === 0 || next.first > sequence) break;
      this.#free.push(this.#live[0]);
      this.#live.shift();
    }
    while (this.#free.length > JOURNAL_FREE_SEGMENTS_MAX) this.#remove(this.#free.shift());
  }

  /** Removes all live segments after the one at `index`, newest first, and those that wait to be used. */
  removeAfter(index: number): void {
    this.#remove(this.#spare);
    this.#spare = undefined;
    while (this.#live.length > index + 1) this.#remove(this.#live.pop());
    while (this.#free.length > 0) this.#remove(this.#free.shift());
  }

  /** After {@link removeAfter} took everything: begins again with one new segment. */
  restart(number: number, floor: number): void {
    invariant(this.#live.length === 0, 'everything was removed');
    this.#live.push(createSegment(this.#options, number, floor));
  }

  close(): void {
    for (const segment of [...this.#live, ...this.#free]) segment.file.close();
    this.#spare?.file.close();
  }

  /** Only the last segments can be dirty: a new one is made when the one before it is full. */
  #dirtySegments(): Segment[] {
    const dirty: Segment[] = [];
    for (let i = this.#live.length - 1; i >= 0; i--) {
      const segment = this.#live[i];
      if (segment.dirty) dirty.push(segment);
      else if (segment !== this.active) break;
      segment.dirty = false;
    }
    return dirty;
  }

  async #name(segment: Segment): Promise<void> {
    await this.#syncDirectory();
    segment.named = true;
  }

  async #syncDirectory(): Promise<void> {
    const removals = this.#removals;
    await this.#options.files.syncDirectory(this.#options.directory);
    this.#removalsSynced = Math.max(this.#removalsSynced, removals);
  }

  #remove(segment: Segment | undefined): void {
    if (segment === undefined) return;
    segment.file.close();
    this.#options.files.remove(segment.path);
    this.#removals += 1;
  }

  /**
   * Makes the next segment active. The active one grows instead where a used file is not ready yet, and for a record
   * that fits no segment.
   */
  #advance(frameBytes: number, appended: number): void {
    const sizeBytes = SEGMENT_HEADER_BYTES + frameBytes;
    if (sizeBytes > this.#options.segmentSizeBytes) return this.#overfill(frameBytes);
    const spare = this.#spare ?? this.#makeFile(appended);
    this.#spare = spare;
    if (!spare.takesRecords || spare.capacityBytes < sizeBytes) return this.#overfill(frameBytes);
    growTo(spare, sizeBytes);
    this.#live.push(spare);
    this.#spare = undefined;
  }

  #overfill(frameBytes: number): void {
    this.active.allocate(this.active.end + frameBytes);
  }

  #makeSpare(appended: number): Segment {
    const { segmentSizeBytes } = this.#options;
    while (this.#free.length > 0) {
      const free = this.#free[0];
      if (free.capacityBytes !== segmentSizeBytes || free.allocatedBytes > segmentSizeBytes) {
        this.#remove(this.#free.shift());
        continue;
      }
      // A removed file may come back by a crash; the numbers after it must then not be gone.
      if (this.#removals > this.#removalsSynced) break;
      free.reuse(this.active.number + 1, appended);
      this.#free.shift();
      return free;
    }
    return this.#makeFile(appended);
  }

  #makeFile(appended: number): Segment {
    return createSegment(this.#options, this.active.number + 1, appended);
  }

  #prepareStep(appended: number): Segment | undefined {
    const active = this.active;
    const ahead = Math.min(JOURNAL_ROOM_BYTES, active.capacityBytes >> 2);
    const wanted = Math.min(active.capacityBytes, active.end + ahead);
    this.#growing ||= active.allocatedBytes < Math.min(active.capacityBytes, active.end + (ahead >> 1));
    if (this.#growing && active.allocatedBytes < wanted) {
      const isRushed = active.allocatedBytes - active.end < ahead >> 2;
      growTo(active, active.allocatedBytes + (isRushed ? JOURNAL_ROOM_RUSH_BYTES : 1));
      return active;
    }
    this.#growing = false;
    if (active.end < active.capacityBytes >> 1) return undefined;
    const spare = this.#spare ?? this.#makeSpare(appended);
    this.#spare = spare;
    if (spare.allocatedBytes >= spare.capacityBytes) return undefined;
    growTo(spare, spare.allocatedBytes + 1);
    return spare;
  }

  #refuse(cause: IoError): CommandError {
    if (!this.#refusing) {
      this.#refusing = true;
      this.#options.log.write({
        severity: 'E',
        component: 'JOURNAL',
        id: 8_000_101,
        context: 'journal',
        message: 'The disk is full: no more writes once the reserved room is used',
        attributes: { error: cause.message },
      });
    }
    return new CommandError('OutOfDiskSpace', 'no room left on the disk for the oplog', {}, { cause });
  }

  #accept(): void {
    if (!this.#refusing) return;
    this.#refusing = false;
    this.#options.log.write({
      severity: 'I',
      component: 'JOURNAL',
      id: 8_000_102,
      context: 'journal',
      message: 'There is room on the disk again',
      attributes: {},
    });
  }
}

/** Takes a whole step of room where the capacity allows it, at least up to `sizeBytes`. */
function growTo(segment: Segment, sizeBytes: number): void {
  if (sizeBytes <= segment.allocatedBytes) return;
  const step = Math.max(sizeBytes, segment.allocatedBytes + JOURNAL_ROOM_STEP_BYTES);
  segment.allocate(Math.min(segment.capacityBytes, step));
}

/** A new file with its header and no room yet. Throws IoError. */
export function createSegment(options: JournalSpaceOptions, number: number, floor: number): Segment {
  const path = `${options.directory}/${segmentFileName(number)}`;
  invariant(!options.files.exists(path), `${path} is new`);
  return Segment.create(options.files, path, { number, floor, capacityBytes: options.segmentSizeBytes });
}

const FILE_NAME = /^segment-\d{10}$/;

/** By the number under which the file was made; its header says which it has now. */
export function segmentFileName(number: number): string {
  return `segment-${String(number).padStart(10, '0')}`;
}

export function isSegmentFileName(name: string): boolean {
  return FILE_NAME.test(name);
}
