/** Where two oplogs part, found by reading both backwards. */
import type { OpTime } from '../base/optime.ts';

/** What two oplogs have in common. */
export type CommonPoint =
  /** The newest entry that is in both. */
  | { readonly kind: 'found'; readonly optime: OpTime }
  /**
   * Everything in our oplog was taken back since it was copied: the other's newest entry before our oldest, which our data
   * holds.
   */
  | { readonly kind: 'beforeOurOldest'; readonly optime: OpTime }
  /** The other's oplog does not go back that far: its owner has copied its data not long ago. */
  | { readonly kind: 'beforeTheirOldest' };

/** Optimes from the newest to the oldest, then undefined. */
export interface BackwardReader {
  next(): OpTime | undefined | Promise<OpTime | undefined>;
}

export async function findCommonPoint(local: BackwardReader, remote: BackwardReader): Promise<CommonPoint> {
  let ours = await local.next();
  let theirs = await remote.next();
  while (ours !== undefined && theirs !== undefined) {
    const isSameTime = ours.ts === theirs.ts;
    if (isSameTime && ours.t === theirs.t) return { kind: 'found', optime: ours };
    const isOursLater = ours.ts > theirs.ts;
    if (isSameTime || isOursLater) ours = await local.next();
    if (isSameTime || !isOursLater) theirs = await remote.next();
  }
  return theirs === undefined ? { kind: 'beforeTheirOldest' } : { kind: 'beforeOurOldest', optime: theirs };
}
