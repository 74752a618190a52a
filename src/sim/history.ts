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
  readonly kind: 'insert' | 'push';
  /** Insert: the `_id`. Push: the key of the document. */
  readonly id: number;
  /** Push: the value that was appended to `tokens`; unique. Insert: the value of `n`. */
  readonly token: number;
  readonly promised: Promised;
  readonly sentAtMs: number;
  outcome: Outcome;
}

export class History {
  readonly writes: WriteRecord[] = [];

  begin(record: Omit<WriteRecord, 'outcome'>): WriteRecord {
    const begun: WriteRecord = { ...record, outcome: 'unknown' };
    this.writes.push(begun);
    return begun;
  }

  /** How many writes ended in each way. */
  counts(): Record<Outcome, number> {
    const counts = { acknowledged: 0, refused: 0, unknown: 0 };
    for (const { outcome } of this.writes) counts[outcome]++;
    return counts;
  }
}
