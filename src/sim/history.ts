/** What clients did and were told. Checkers compare it with what the members hold in the end. */

/** What an acknowledgement promised. 'one': the primary applied it; 'journaled': and it was durable there. */
export type Promised = 'one' | 'journaled' | 'majority';

export type Outcome =
  /** The set answered that it is done. */
  | 'acknowledged'
  /** The set answered that nothing was written. */
  | 'refused'
  /** An error or silence after which it may be done or not. */
  | 'unknown';

export interface WriteRecord {
  readonly kind: 'insert' | 'push' | 'delete';
  /**
   * A number of its own for every insert and push; it is in the document that was inserted, or in the list it was pushed
   * to. Delete: that of the insert whose document it takes away.
   */
  readonly token: number;
  readonly promised: Promised;
  readonly sentAtMs: number;
  /** Whether it was sent again after an unknown outcome, as the same retryable write. */
  wasRetried: boolean;
  outcome: Outcome;
}

export class History {
  readonly writes: WriteRecord[] = [];
  /** What was wrong already while it happened, as a read that missed what it had to see. */
  readonly violations: string[] = [];
  /** Pushes that majority reads have shown, and who showed them last. */
  readonly shown = new Map<number, string>();

  begin(record: Pick<WriteRecord, 'kind' | 'token' | 'promised' | 'sentAtMs'>): WriteRecord {
    const begun: WriteRecord = { ...record, wasRetried: false, outcome: 'unknown' };
    this.writes.push(begun);
    return begun;
  }

  /** How many writes ended in each way. */
  counts(): Record<Outcome | 'retried', number> {
    const counts = { acknowledged: 0, refused: 0, unknown: 0, retried: 0 };
    for (const { outcome, wasRetried } of this.writes) {
      counts[outcome]++;
      if (wasRetried) counts.retried++;
    }
    return counts;
  }
}
