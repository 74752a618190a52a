/** One file of the journal. */
import type { FileHandle, Files } from '../base/env.ts';
import { invariant } from '../base/invariant.ts';
import {
  SEGMENT_HEADER_BYTES,
  encodeHeader,
  encodeHeaderRegion,
  type FoundHeader,
  type SegmentHeader,
} from './journal_format.ts';

/** Distance between the places where a reader can start. */
const POINT_DISTANCE_BYTES = 64 * 1024;

/** A record's sequence and where its frame begins. */
export interface SegmentPoint {
  readonly sequence: number;
  readonly offset: number;
}

/** Invariants: `first` is 0 or at most `last`; frames fill the file from its header to `end`, in order. */
export class Segment {
  readonly path: string;
  readonly file: FileHandle;
  /** The size it is meant to have; exceeded when no other file was ready in time. */
  readonly capacityBytes: number;
  #number: number;
  #floor: number;
  #otherSlotOffset: number;
  #allocatedBytes: number;
  #first = 0;
  #last = 0;
  #end = SEGMENT_HEADER_BYTES;
  #pointSequences: number[] = [];
  #pointOffsets: number[] = [];
  #lastPointOffset = 0;
  /** Whether bytes were written that no sync covers. */
  dirty = false;
  /** Whether the folder was synced since the file was made. */
  named = true;
  /**
   * Whether records may be written. Not into a file that is used again before its new header is durable: a crash could
   * bring the old header back over a mixture of old and new records.
   */
  takesRecords = true;

  /** Makes a new file. Throws IoError; nothing is left behind then. */
  static create(files: Files, path: string, header: SegmentHeader): Segment {
    const file = files.open(path);
    try {
      file.write(encodeHeaderRegion(header), 0);
    } catch (error) {
      file.close();
      files.remove(path);
      throw error;
    }
    const segment = new Segment(path, file, { ...header, otherSlotOffset: 0 });
    segment.dirty = true;
    segment.named = false;
    return segment;
  }

  constructor(path: string, file: FileHandle, header: FoundHeader) {
    this.path = path;
    this.file = file;
    this.capacityBytes = header.capacityBytes;
    this.#number = header.number;
    this.#floor = header.floor;
    this.#otherSlotOffset = header.otherSlotOffset;
    this.#allocatedBytes = file.size();
  }

  /** Consecutive over the live segments. */
  get number(): number {
    return this.#number;
  }

  /** Below every record's sequence in it. */
  get floor(): number {
    return this.#floor;
  }

  /** Of the first record; 0 while there is none. */
  get first(): number {
    return this.#first;
  }

  get last(): number {
    return this.#last;
  }

  /** The offset after the last frame. */
  get end(): number {
    return this.#end;
  }

  /** Up to here the file has its blocks. */
  get allocatedBytes(): number {
    return this.#allocatedBytes;
  }

  get isEmpty(): boolean {
    return this.#first === 0;
  }

  /** Uses the file again under a new number. What it holds counts as gone; the new header is not yet synced. */
  reuse(number: number, floor: number): void {
    invariant(number > this.#number, 'a segment that is used again comes last');
    invariant(floor >= this.#last, 'the old records are below the new floor');
    const slot = this.#otherSlotOffset;
    this.file.write(encodeHeader({ number, floor, capacityBytes: this.capacityBytes }), slot);
    this.#otherSlotOffset = slot === 0 ? 2048 : 0;
    this.#number = number;
    this.#floor = floor;
    this.dirty = true;
    this.takesRecords = false;
    this.#forget();
  }

  /** Reserves room up to `sizeBytes`. Throws IoError 'noSpace'. */
  allocate(sizeBytes: number): void {
    if (sizeBytes <= this.#allocatedBytes) return;
    this.file.allocate(sizeBytes);
    this.#allocatedBytes = sizeBytes;
    this.dirty = true;
  }

  /** Notes a record's frame at `end`; its bytes are, or will be, written there. */
  noteRecord(sequence: number, frameBytes: number): void {
    const offset = this.#end;
    if (this.#first === 0) this.#first = sequence;
    if (offset - this.#lastPointOffset >= POINT_DISTANCE_BYTES || this.#first === sequence) {
      this.#pointSequences.push(sequence);
      this.#pointOffsets.push(offset);
      this.#lastPointOffset = offset;
    }
    this.#last = sequence;
    this.#end = offset + frameBytes;
  }

  /** Notes a mark's frame at `end`. */
  noteMark(frameBytes: number): void {
    this.#end += frameBytes;
  }

  /** A place at or before `sequence`, not far from it. */
  pointBefore(sequence: number): SegmentPoint {
    invariant(sequence >= this.#first && sequence <= this.#last, `record ${sequence} is in ${this.path}`);
    let low = 0;
    let high = this.#pointSequences.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#pointSequences[middle] <= sequence) low = middle;
      else high = middle - 1;
    }
    return { sequence: this.#pointSequences[low], offset: this.#pointOffsets[low] };
  }

  /** Sequences of the records at which readers start fast, ascending; the first record is one of them. */
  get pointSequences(): readonly number[] {
    return this.#pointSequences;
  }

  /** Forgets the records after `sequence`, whose last frame ends at `end`. */
  cutAfter(sequence: number, end: number): void {
    invariant(sequence >= this.#first && sequence <= this.#last, 'the cut is within the segment');
    invariant(end <= this.#end, 'a cut makes the segment shorter');
    while ((this.#pointSequences.at(-1) ?? 0) > sequence) {
      this.#pointSequences.pop();
      this.#pointOffsets.pop();
    }
    this.#lastPointOffset = this.#pointOffsets.at(-1) ?? 0;
    this.#last = sequence;
    this.#end = end;
  }

  #forget(): void {
    this.#first = 0;
    this.#last = 0;
    this.#end = SEGMENT_HEADER_BYTES;
    this.#pointSequences = [];
    this.#pointOffsets = [];
    this.#lastPointOffset = 0;
  }
}
