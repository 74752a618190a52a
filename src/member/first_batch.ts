/**
 * What the first batch from a sync source says about it: whether its oplog goes on where ours ends, whether the source
 * is behind us, or whether the two oplogs have parted, so that ours must be rolled back.
 * Source: mongo/src/mongo/db/repl/README.md, "Oplog Fetcher".
 */
import { compareOpTimes, formatOpTime, type OpTime } from '../base/optime.ts';

export interface FirstBatch {
  /** The last entry we have. */
  readonly lastFetched: OpTime;
  /** Optimes of the first and the last entry received; undefined when the batch is empty. */
  readonly first: OpTime | undefined;
  readonly last: OpTime | undefined;
  /** The newest entry the source has applied, from its metadata. */
  readonly sourceLastApplied: OpTime;
  /** Rollback ids of the source: when it was chosen, and in this reply. */
  readonly rollbackIdAtChoice: number;
  readonly rollbackId: number;
  /** Steady state: only a source that has more than we have is of use. Prevents members that sync from each other. */
  readonly mustBeAhead: boolean;
}

export type FirstBatchVerdict =
  | { readonly kind: 'continue' }
  /** Choose another source; nothing is wrong with our own oplog. */
  | { readonly kind: 'invalidSource'; readonly reason: string }
  /** Our last entry is not in the source's oplog: rolled back there, or fallen off its old end. */
  | { readonly kind: 'diverged'; readonly reason: string };

export function judgeFirstBatch(batch: FirstBatch): FirstBatchVerdict {
  const { lastFetched, first, last } = batch;
  if (batch.rollbackId !== batch.rollbackIdAtChoice) return invalid('the source rolled back since it was chosen');
  const sourceLast =
    last !== undefined && compareOpTimes(last, batch.sourceLastApplied) > 0 ? last : batch.sourceLastApplied;
  if (compareOpTimes(sourceLast, lastFetched) < 0) {
    return invalid(`the source is behind: it has ${formatOpTime(sourceLast)}, we have ${formatOpTime(lastFetched)}`);
  }
  if (batch.mustBeAhead && compareOpTimes(sourceLast, lastFetched) <= 0) {
    return invalid(`the source has nothing newer than ${formatOpTime(lastFetched)}`);
  }
  if (first === undefined) return diverged(`the source has no entry at or after ${formatOpTime(lastFetched)}`);
  if (compareOpTimes(first, lastFetched) !== 0) {
    return diverged(`our last entry is ${formatOpTime(lastFetched)}, the source has ${formatOpTime(first)} there`);
  }
  return { kind: 'continue' };
}

function invalid(reason: string): FirstBatchVerdict {
  return { kind: 'invalidSource', reason };
}

function diverged(reason: string): FirstBatchVerdict {
  return { kind: 'diverged', reason };
}
