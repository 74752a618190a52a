/**
 * Positions in the oplog.
 *
 * A timestamp is MongoDB's pair (seconds, increment). It is packed into one exact number, seconds * 2^21 + increment,
 * so that comparing, storing and sorting timestamps allocates nothing. The increment therefore stays below 2^21 here:
 * a clock that would pass it moves on to the next second (`tick` in the cluster clock), which keeps the order.
 */
import { invariant } from './invariant.ts';

/** (seconds, increment) packed as seconds * 2^21 + increment. Order is the order of the numbers. */
export type Timestamp = number & { readonly kind: 'timestamp' };

/** Unique to one election: no two members are primary in the same term. -1 before the first. Source: Raft §5.1, PV1. */
export type Term = number & { readonly kind: 'term' };

const INCREMENT_LIMIT = 2 ** 21;

/** The null timestamp, below every real one. Versions written at it are visible to every reader. */
export const TIMESTAMP_NULL = 0 as Timestamp;

/** Above every real timestamp: "the newest version". */
export const TIMESTAMP_MAX = Number.MAX_SAFE_INTEGER as Timestamp;

export const TERM_UNINITIALIZED = -1 as Term;

/** An increment of 2^21 or more (only another implementation makes one) becomes the next second, which is later. */
export function timestampOf(seconds: number, increment: number): Timestamp {
  invariant(seconds >= 0 && seconds <= 0xffff_ffff, 'seconds fit 32 bits');
  if (increment >= INCREMENT_LIMIT) return ((seconds + 1) * INCREMENT_LIMIT) as Timestamp;
  return (seconds * INCREMENT_LIMIT + increment) as Timestamp;
}

export function secondsOf(timestamp: Timestamp): number {
  return Math.floor(timestamp / INCREMENT_LIMIT);
}

export function incrementOf(timestamp: Timestamp): number {
  return timestamp % INCREMENT_LIMIT;
}

/** The next timestamp in order. */
export function timestampAfter(timestamp: Timestamp): Timestamp {
  return (timestamp + 1) as Timestamp;
}

/** Far beyond every real one, and far enough from the end of the exact numbers to count on from. */
export const TERM_MAX = 2 ** 52;

/** Whether a number that came from outside can be a term. */
export function isTerm(value: number): value is Term {
  return Number.isSafeInteger(value) && value >= TERM_UNINITIALIZED && value <= TERM_MAX;
}

/** The number is known to be a term; see {@link isTerm} for others. */
export function termOf(value: number): Term {
  invariant(Number.isSafeInteger(value) && value >= -1, `${value} is not a term`);
  return value as Term;
}

/** A place in the oplog: ordered by term first, then by timestamp. */
export interface OpTime {
  readonly ts: Timestamp;
  readonly t: Term;
}

/** Before every entry: what a member without data reports. Shown to clients as {ts: Timestamp(0,0), t: -1}. */
export const OPTIME_NULL: OpTime = { ts: TIMESTAMP_NULL, t: TERM_UNINITIALIZED };

/** Negative, zero or positive as `a` is before, equal to or after `b`. */
export function compareOpTimes(a: OpTime, b: OpTime): number {
  return a.t === b.t ? a.ts - b.ts : a.t - b.t;
}

export function laterOpTime(a: OpTime, b: OpTime): OpTime {
  return compareOpTimes(a, b) >= 0 ? a : b;
}

export function isNullOpTime(optime: OpTime): boolean {
  return optime.ts === TIMESTAMP_NULL;
}

export function formatTimestamp(timestamp: Timestamp): string {
  return `${secondsOf(timestamp)}/${incrementOf(timestamp)}`;
}

export function formatOpTime(optime: OpTime): string {
  return `${formatTimestamp(optime.ts)}@${optime.t}`;
}
