/**
 * Opening the journal as a crash left it.
 *
 * Records are followed from the oldest segment on, each in its place and with the sequence that must come. Where that
 * ends, one question decides: does any later frame testify that the missing record was durable? Every frame says up to
 * where all was durable when it was made. If one does, something that was promised is damaged, and the journal is
 * refused. If none does, the rest was never promised: it is the torn end of the last writes, and is cut.
 */
import type { Env } from '../base/env.ts';
import { invariant } from '../base/invariant.ts';
import { announcedCut, clearRange, completeCut } from './journal_cut.ts';
import {
  FRAME_HEADER_BYTES,
  JournalDamageError,
  SEGMENT_HEADER_BYTES,
  decodeHeaderRegion,
  frameDurable,
  frameLength,
  frameSequence,
  frameSize,
  type JournalCut,
} from './journal_format.ts';
import { FrameWindow } from './journal_reader.ts';
import { Segment } from './journal_segment.ts';
import { createSegment, isSegmentFileName, type FoundSegments, type JournalSpaceOptions } from './journal_space.ts';

const SCAN_WINDOW_BYTES = 1024 * 1024;

export interface RecoveryOptions extends JournalSpaceOptions {
  readonly env: Env;
}

export interface Recovered extends FoundSegments {
  /** The last record's sequence, or the one before the first to come. All records are durable. */
  readonly appended: number;
  /** Some frame on disk says that all was durable up to here. */
  readonly testified: number;
}

/** Throws {@link JournalDamageError} when a durable record is damaged. Yields; what it leaves is durable. */
export async function recoverJournal(options: RecoveryOptions): Promise<Recovered> {
  const { files, directory } = options;
  files.makeDirectory(directory);
  const cut = announcedCut(files, directory);
  const { segments, headless } = openSegments(options);
  const chain = await followChain(options.env, segments, cut);
  const spare = cut === undefined ? await cutTornEnd(options, chain, headless) : undefined;
  if (cut !== undefined) await cutAgain(options, chain, cut);
  for (const segment of [...chain.later, ...headless].toReversed()) {
    if (segment === spare) continue;
    segment.file.close();
    files.remove(segment.path);
  }
  if (chain.live.length === 0) chain.live.push(createFirst(options, segments, cut));
  for (const segment of chain.live) {
    if (segment.isEmpty || segment.dirty || segment.last > chain.testified) await segment.file.sync();
    segment.dirty = false;
  }
  await files.syncDirectory(directory);
  for (const segment of chain.live) segment.named = true;
  if (spare !== undefined) {
    spare.dirty = true;
    spare.takesRecords = false;
  }
  if (cut !== undefined) await completeCut(files, directory);
  const appended = chain.appended === 0 ? chain.live[0].floor : chain.appended;
  return { live: chain.live, spare, appended, testified: chain.testified };
}

function createFirst(options: RecoveryOptions, segments: readonly Segment[], cut: JournalCut | undefined): Segment {
  const number = (segments.at(-1)?.number ?? 0) + 1;
  return createSegment(options, number, cut?.sequence ?? 0);
}

interface OpenedSegments {
  /** By number. */
  readonly segments: Segment[];
  /** Files whose making did not end before the crash, or whose headers are damaged. */
  readonly headless: Segment[];
}

function openSegments(options: RecoveryOptions): OpenedSegments {
  const { files, directory } = options;
  const segments: Segment[] = [];
  const headless: Segment[] = [];
  for (const name of files.list(directory).filter(isSegmentFileName)) {
    const path = `${directory}/${name}`;
    const file = files.open(path);
    const region = new Uint8Array(SEGMENT_HEADER_BYTES);
    file.read(region, 0);
    const header = decodeHeaderRegion(region);
    if (header === undefined) {
      headless.push(new Segment(path, file, { number: 0, floor: 0, capacityBytes: 0, otherSlotOffset: 0 }));
    } else {
      segments.push(new Segment(path, file, header));
    }
  }
  return { segments: segments.toSorted((a, b) => a.number - b.number), headless };
}

interface Chain {
  readonly live: Segment[];
  /** Segments after the end of the chain. */
  readonly later: Segment[];
  appended: number;
  /** Some frame of the chain says that all was durable up to here. */
  testified: number;
}

/** Collects the records that follow each other, up to the cut. */
async function followChain(env: Env, segments: readonly Segment[], cut: JournalCut | undefined): Promise<Chain> {
  const chain: Chain = { live: [], later: [...segments], appended: 0, testified: 0 };
  if (cut?.keepsNothing) return chain;
  const until = cut?.sequence ?? Number.MAX_SAFE_INTEGER;
  for (let segment = chain.later.at(0); segment !== undefined; segment = chain.later.at(0)) {
    const before = chain.live.at(-1);
    if (before !== undefined && segment.number !== before.number + 1) break;
    await followSegment(env, segment, chain, until);
    if (before !== undefined && segment.isEmpty) break;
    chain.live.push(segment);
    chain.later.shift();
  }
  return chain;
}

async function followSegment(env: Env, segment: Segment, chain: Chain, until: number): Promise<void> {
  const window = new FrameWindow(SCAN_WINDOW_BYTES);
  let breathedAt = segment.end;
  while (window.load(segment.file, segment.end, segment.allocatedBytes)) {
    if (window.isMark) {
      if (segment.isEmpty || window.sequence !== chain.appended) return;
      segment.noteMark(window.frameBytes);
    } else {
      const isNext = chain.appended === 0 ? window.sequence > segment.floor : window.sequence === chain.appended + 1;
      if (!isNext || window.sequence > until) return;
      segment.noteRecord(window.sequence, window.frameBytes);
      chain.appended = window.sequence;
    }
    invariant(window.durable <= chain.appended, 'a frame testifies for what is before it');
    chain.testified = Math.max(chain.testified, window.durable);
    if (segment.end - breathedAt < SCAN_WINDOW_BYTES) continue;
    breathedAt = segment.end;
    await env.breathe();
  }
}

/** Clears what a crash left after the last whole record. Returns the segment after it that can be used as it is. */
async function cutTornEnd(
  options: RecoveryOptions,
  chain: Chain,
  headless: readonly Segment[],
): Promise<Segment | undefined> {
  const last = chain.live.at(-1);
  const missing = Math.max(chain.appended, last?.floor ?? 0) + 1;
  const place = last === undefined ? 'its first segment' : `${last.path} at offset ${last.end}`;
  const look = async (segment: Segment, from: number): Promise<Leftovers> => {
    const leftovers = await findLeftovers(options.env, segment, from, missing);
    if (leftovers.testified < missing) return leftovers;
    throw new JournalDamageError(
      `the journal is damaged: record ${missing} in ${place} is not readable, ` +
        `and ${segment.path} at offset ${leftovers.testifiedAt} says that it was durable`,
    );
  };
  let spare: Segment | undefined;
  let lost = 0;
  for (const segment of [...chain.later, ...headless]) {
    const leftovers = await look(segment, SEGMENT_HEADER_BYTES);
    lost += leftovers.count;
    const isNext = last !== undefined && segment.number === last.number + 1;
    if (isNext && leftovers.count === 0) spare = segment;
  }
  if (last === undefined) return spare;
  const leftovers = await look(last, last.end);
  if (leftovers.count > 0) await clearRange(last, last.end, leftovers.end, options.env);
  logCut(options, { missing, place, lost: lost + leftovers.count });
  return spare;
}

function logCut(options: RecoveryOptions, found: { missing: number; place: string; lost: number }): void {
  if (found.lost === 0) return;
  options.log.write({
    severity: 'W',
    component: 'JOURNAL',
    id: 8_000_103,
    context: 'journal',
    message: 'Cut records that were never durable from the end of the journal',
    attributes: { firstRecord: found.missing, place: found.place, wholeRecords: found.lost },
  });
}

interface Leftovers {
  /** Intact frames that belong after the end of the chain. */
  count: number;
  end: number;
  testified: number;
  testifiedAt: number;
}

/** Looks at every place where a frame can begin for intact ones with the sequence `lowest` or a later one. */
async function findLeftovers(env: Env, segment: Segment, from: number, lowest: number): Promise<Leftovers> {
  const found: Leftovers = { count: 0, end: from, testified: 0, testifiedAt: 0 };
  const window = new FrameWindow(0);
  const limit = segment.allocatedBytes;
  const chunk = new Uint8Array(Math.min(SCAN_WINDOW_BYTES, Math.max(0, limit - from)));
  let offset = from;
  while (offset + FRAME_HEADER_BYTES <= limit) {
    const held = segment.file.read(chunk.subarray(0, Math.min(chunk.length, limit - offset)), offset);
    if (held < FRAME_HEADER_BYTES) break;
    const start = offset;
    while (offset + FRAME_HEADER_BYTES <= start + held) {
      const at = offset - start;
      const isLike = looksLikeFrame(chunk, at, limit - offset, lowest);
      if (!isLike || !window.load(segment.file, offset, limit)) {
        offset += 8;
        continue;
      }
      if (window.durable > found.testified) {
        found.testified = window.durable;
        found.testifiedAt = offset;
      }
      found.count += 1;
      offset += window.frameBytes;
      found.end = offset;
    }
    await env.breathe();
  }
  return found;
}

function looksLikeFrame(bytes: Uint8Array, at: number, room: number, lowest: number): boolean {
  const sequence = frameSequence(bytes, at);
  if (sequence < lowest || sequence > Number.MAX_SAFE_INTEGER) return false;
  return frameDurable(bytes, at) <= sequence && frameSize(frameLength(bytes, at)) <= room;
}

/** Completes an announced cut: only the records up to it are in the chain. */
async function cutAgain(options: RecoveryOptions, chain: Chain, cut: JournalCut): Promise<void> {
  const last = chain.live.at(-1);
  if (cut.keepsNothing || last === undefined) return;
  if (chain.appended !== cut.sequence) {
    throw new JournalDamageError(
      `the journal is damaged: record ${chain.appended + 1} in ${last.path} at offset ${last.end} is not readable, ` +
        `and the records up to ${cut.sequence} were durable`,
    );
  }
  await clearRange(last, last.end, last.allocatedBytes, options.env);
}
