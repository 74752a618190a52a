/** How far a member has come in the oplog. */
import { compareOpTimes, OPTIME_NULL, type OpTime } from '../base/optime.ts';
import { unixMs, type UnixMs } from '../base/units.ts';

/** A place in the oplog and the wall clock time its entry carries (0 for the null optime). */
export interface Position {
  readonly optime: OpTime;
  readonly wall: UnixMs;
}

export const POSITION_NULL: Position = { optime: OPTIME_NULL, wall: unixMs(0) };

/**
 * What one member has done with the oplog: `written` is in its log, `applied` is visible to its readers, `durable`
 * survives a crash. applied <= written and durable <= written.
 */
export interface Progress {
  readonly written: Position;
  readonly applied: Position;
  readonly durable: Position;
}

export const PROGRESS_NULL: Progress = { written: POSITION_NULL, applied: POSITION_NULL, durable: POSITION_NULL };

function later(a: Position, b: Position): Position {
  return compareOpTimes(b.optime, a.optime) > 0 ? b : a;
}

/** Positions known from others only move forward: reports may overtake each other. Same object when nothing moved. */
export function laterProgress(known: Progress, reported: Progress): Progress {
  const written = later(known.written, reported.written);
  const applied = later(known.applied, reported.applied);
  const durable = later(known.durable, reported.durable);
  if (written === known.written && applied === known.applied && durable === known.durable) return known;
  return { written, applied, durable };
}
