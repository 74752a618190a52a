/** Reading records back, each checked by its checksum. */
import type { FileHandle } from '../base/env.ts';
import { CommandError } from '../base/command_error.ts';
import { invariant } from '../base/invariant.ts';
import {
  FRAME_HEADER_BYTES,
  JournalDamageError,
  frameDurable,
  frameLength,
  frameSequence,
  frameSize,
  isFrameIntact,
} from './journal_format.ts';
import type { Segment } from './journal_segment.ts';

/** A stretch of a file in memory, moved along as frames are asked for. Its buffers are never written again. */
export class FrameWindow {
  readonly #sizeBytesMax: number;
  #sizeBytes: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;
  #file: FileHandle | undefined;
  #at = 0;
  length = 0;
  sequence = 0;
  durable = 0;

  /** Reads `sizeBytes` first and more each time, up to `sizeBytesMax`. */
  constructor(sizeBytes: number, sizeBytesMax = sizeBytes) {
    this.#sizeBytes = sizeBytes;
    this.#sizeBytesMax = sizeBytesMax;
  }

  /** Whether an intact frame lies at `offset` and ends at or before `limit`; sets the fields if so. */
  load(file: FileHandle, offset: number, limit: number): boolean {
    if (offset + FRAME_HEADER_BYTES > limit) return false;
    if (!this.#hold(file, offset, FRAME_HEADER_BYTES, limit)) return false;
    const length = frameLength(this.#bytes, offset - this.#start);
    if (length > limit - offset - FRAME_HEADER_BYTES) return false;
    if (!this.#hold(file, offset, FRAME_HEADER_BYTES + length, limit)) return false;
    const at = offset - this.#start;
    if (!isFrameIntact(this.#bytes, at)) return false;
    this.#at = at;
    this.length = length;
    this.sequence = frameSequence(this.#bytes, at);
    this.durable = frameDurable(this.#bytes, at);
    return true;
  }

  get isMark(): boolean {
    return this.length === 0;
  }

  get frameBytes(): number {
    return frameSize(this.length);
  }

  /** A view that stays as it is. */
  record(): Uint8Array {
    const start = this.#at + FRAME_HEADER_BYTES;
    return this.#bytes.subarray(start, start + this.length);
  }

  forget(): void {
    this.#file = undefined;
  }

  #hold(file: FileHandle, offset: number, sizeBytes: number, limit: number): boolean {
    const inside = this.#file === file && offset >= this.#start;
    if (inside && offset + sizeBytes <= this.#start + this.#bytes.length) return true;
    const buffer = new Uint8Array(Math.min(limit - offset, Math.max(this.#sizeBytes, sizeBytes)));
    const count = file.read(buffer, offset);
    this.#sizeBytes = Math.min(this.#sizeBytesMax, this.#sizeBytes * 2);
    this.#bytes = count === buffer.length ? buffer : buffer.subarray(0, count);
    this.#start = offset;
    this.#file = file;
    return count >= sizeBytes;
  }
}

/** Where readers get what they need; the journal. */
export interface RecordSource {
  first(): number;
  appended(): number;
  /** Counts cuts of the journal's end. */
  cuts(): number;
  /** The smallest sequence that was left by the cuts after the first `seen` of them. */
  lowestCutSince(seen: number): number;
  segmentOf(sequence: number): Segment;
  /** Called before files are read: what was appended must be in them. */
  flush(): void;
  /** Reports damage found while reading; the member stops. */
  damaged(error: JournalDamageError): void;
}

/** Reads towards one end; at the end it stays usable: records appended later are seen. */
export interface JournalReader {
  /**
   * The next record, or undefined when there is none (now). The bytes must not be changed and stay as they are.
   * Throws CommandError 'CappedPositionLost' when the record was dropped or cut before it was read.
   */
  next(): Uint8Array | undefined;
  /** The sequence that `next` reads next. */
  readonly position: number;
}

/** Few bytes when one record is looked up, more as reading goes on. */
const WINDOW_BYTES = 4 * 1024;
const WINDOW_BYTES_MAX = 128 * 1024;

export class ForwardReader implements JournalReader {
  readonly #source: RecordSource;
  readonly #window = new FrameWindow(WINDOW_BYTES, WINDOW_BYTES_MAX);
  #next: number;
  #cutsSeen: number;
  #segment: Segment | undefined;
  #segmentNumber = 0;
  #offset = 0;

  constructor(source: RecordSource, from: number) {
    invariant(from >= 1, 'records are numbered from 1');
    this.#source = source;
    this.#next = from;
    this.#cutsSeen = source.cuts();
  }

  get position(): number {
    return this.#next;
  }

  next(): Uint8Array | undefined {
    const source = this.#source;
    if (source.cuts() !== this.#cutsSeen) this.#meetCut();
    if (this.#next > source.appended()) return undefined;
    if (this.#next < source.first()) throw positionLost(this.#next);
    source.flush();
    let segment = this.#segment;
    if (segment === undefined || segment.number !== this.#segmentNumber || this.#next > segment.last) {
      segment = this.#seek();
    }
    for (;;) {
      const record = this.#step(segment);
      if (record !== undefined) return record;
    }
  }

  /** Moves over one frame. Undefined for a mark and for records before the one looked for. */
  #step(segment: Segment): Uint8Array | undefined {
    const window = this.#window;
    if (!window.load(segment.file, this.#offset, segment.end)) throw this.#damage(segment, 'is damaged');
    this.#offset += window.frameBytes;
    if (window.isMark || window.sequence < this.#next) return undefined;
    if (window.sequence !== this.#next) throw this.#damage(segment, `is record ${window.sequence}`);
    this.#next += 1;
    return window.record();
  }

  #seek(): Segment {
    const segment = this.#source.segmentOf(this.#next);
    this.#segment = segment;
    this.#segmentNumber = segment.number;
    this.#offset = segment.pointBefore(this.#next).offset;
    this.#window.forget();
    return segment;
  }

  #meetCut(): void {
    if (this.#next > this.#source.lowestCutSince(this.#cutsSeen) + 1) throw positionLost(this.#next);
    this.#cutsSeen = this.#source.cuts();
    this.#segment = undefined;
  }

  #damage(segment: Segment, what: string): JournalDamageError {
    const error = new JournalDamageError(
      `the journal is damaged: record ${this.#next} in ${segment.path} at offset ${this.#offset} ${what}`,
    );
    this.#source.damaged(error);
    return error;
  }
}

/** Reads a stretch at a time forwards and hands it out backwards. */
export class BackwardReader implements JournalReader {
  readonly #source: RecordSource;
  #next: number;
  #cutsSeen: number;
  readonly #records: Uint8Array[] = [];

  /** Begins with `from` itself; 0 is before every record. */
  constructor(source: RecordSource, from: number) {
    this.#source = source;
    this.#next = from;
    this.#cutsSeen = source.cuts();
  }

  get position(): number {
    return this.#next;
  }

  next(): Uint8Array | undefined {
    const source = this.#source;
    if (source.cuts() !== this.#cutsSeen) this.#meetCut();
    if (this.#next < source.first() || this.#next === 0) return undefined;
    if (this.#records.length === 0) this.#load();
    this.#next -= 1;
    return this.#records.pop();
  }

  #load(): void {
    const { sequence } = this.#source.segmentOf(this.#next).pointBefore(this.#next);
    const reader = new ForwardReader(this.#source, sequence);
    while (reader.position <= this.#next) {
      const record = reader.next();
      invariant(record !== undefined, 'records before the last one are there');
      this.#records.push(record);
    }
  }

  #meetCut(): void {
    if (this.#next > this.#source.lowestCutSince(this.#cutsSeen)) throw positionLost(this.#next);
    this.#cutsSeen = this.#source.cuts();
  }
}

/** The offset after the frame of a record; its bytes are in the file. */
export function frameEnd(segment: Segment, sequence: number): number {
  const window = new FrameWindow(WINDOW_BYTES, WINDOW_BYTES_MAX);
  let { offset } = segment.pointBefore(sequence);
  for (;;) {
    const isIntact = window.load(segment.file, offset, segment.end);
    if (!isIntact) throw new JournalDamageError(`the journal is damaged: ${segment.path} at offset ${offset}`);
    offset += window.frameBytes;
    if (!window.isMark && window.sequence === sequence) return offset;
  }
}

function positionLost(sequence: number): CommandError {
  return new CommandError('CappedPositionLost', `the oplog no longer holds the position of this cursor (${sequence})`);
}
