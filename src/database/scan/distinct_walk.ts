/** A walk over an index that gives one entry for each beginning of a key, and seeks over the others. */
import { equalBytes } from '../../bson/bytes.ts';
import { KEY_LEADS } from '../../bson/key.ts';
import { keyPartEnd } from '../../bson/key_reader.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { TableCursor } from '../../storage/table.ts';
import type { DistinctPrefix } from '../planner/access.ts';
import type { CandidateField } from '../planner/candidate.ts';
import type { RangeWalk } from './range_walk.ts';

/** Entries that are stepped over one by one before it is worth a seek. */
const STEPS_MAX = 4;

export class DistinctWalk {
  readonly #ranges: RangeWalk;
  readonly #fields: readonly CandidateField[];
  readonly #keepsMissing: boolean;
  /** What the last entry began with; undefined when the next one is wanted whatever it is. */
  #prefix: Uint8Array | undefined;
  #steps = 0;

  constructor(ranges: RangeWalk, fields: readonly CandidateField[], distinct: DistinctPrefix) {
    this.#ranges = ranges;
    this.#fields = fields.slice(0, distinct.fields);
    this.#keepsMissing = distinct.keepsMissing;
  }

  /** A cursor at the next entry that is wanted, `undefined` at the end; 'other' after one that is not. */
  next(): TableCursor | undefined | 'other' {
    if (this.#prefix !== undefined && this.#steps === STEPS_MAX) {
      this.#ranges.skip(this.#prefix);
      this.#prefix = undefined;
    }
    const cursor = this.#ranges.next();
    if (cursor === undefined) return undefined;
    if (this.#prefix !== undefined && this.#isAlike(cursor, this.#prefix)) {
      this.#steps += 1;
      return 'other';
    }
    this.#prefix = this.#prefixOf(cursor);
    this.#steps = 0;
    return cursor;
  }

  /** The entry did not count after all: the next one that begins alike is wanted. */
  refuse(): void {
    this.#prefix = undefined;
  }

  #isAlike({ keyBytes, keyEnd }: TableCursor, prefix: Uint8Array): boolean {
    return keyEnd >= prefix.length && equalBytes(keyBytes.subarray(0, prefix.length), prefix);
  }

  #prefixOf({ keyBytes, valueEnd, valueStart }: TableCursor): Uint8Array | undefined {
    let start = 0;
    let at = 0;
    for (const { descending } of this.#fields) {
      start = at;
      at = keyPartEnd(keyBytes, at, descending);
    }
    const last = this.#fields[this.#fields.length - 1];
    const lead = keyBytes[start] ^ (last.descending ? 0xff : 0);
    // A value of the entry says that its key does not tell all.
    const mayBeMissing = lead === KEY_LEADS[BSON_TYPE.null] && valueEnd > valueStart;
    return this.#keepsMissing && mayBeMissing ? undefined : keyBytes.slice(0, at);
  }
}
