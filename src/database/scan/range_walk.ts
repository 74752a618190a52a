/** Walks over ranges of keys that go on where they were when the time they read at moves. */
import type { Timestamp } from '../../base/optime.ts';
import type { CursorOptions, Table, TableCursor } from '../../storage/table.ts';
import { afterPrefix, type KeyRange } from '../key_range.ts';

/** One range of one table, kept open while time moves on. */
export class TableWalk {
  cursor: TableCursor;
  readonly #table: Table;
  readonly #range: KeyRange;
  readonly #reverse: boolean;
  /** The cursor's last key before it was opened anew. */
  #last: Uint8Array | undefined;
  #at: Timestamp;

  constructor(table: Table, range: KeyRange, reverse: boolean, at: Timestamp) {
    this.#table = table;
    this.#range = range;
    this.#reverse = reverse;
    this.#at = at;
    this.cursor = table.cursor(this.#options(undefined));
  }

  /** A walk of its own that goes on where this one stands. */
  fork(): TableWalk {
    const fork = new TableWalk(this.#table, this.#range, this.#reverse, this.#at);
    fork.#last = this.last();
    fork.cursor = this.#table.cursor(this.#options(fork.#last));
    return fork;
  }

  moveTo(at: Timestamp): void {
    if (at === this.#at) return;
    this.#at = at;
    this.cursor = this.#table.cursor(this.#options(this.last()));
  }

  /** Goes on at `key`, which is further on and not there itself. */
  seek(key: Uint8Array): void {
    this.#last = key;
    this.cursor = this.#table.cursor({ ...this.#options(key), fromInclusive: !this.#reverse });
  }

  /** The key the walk came to; undefined at its start. */
  last(): Uint8Array | undefined {
    if (this.cursor.keyEnd > 0) this.#last = this.cursor.keyBytes.slice(0, this.cursor.keyEnd);
    return this.#last;
  }

  /** `after`: the last key returned, which is not returned again. */
  #options(after: Uint8Array | undefined): CursorOptions {
    const { from, to } = this.#range;
    const start = this.#reverse ? to : from;
    return {
      at: this.#at,
      reverse: this.#reverse,
      from: after ?? start,
      // The upper end of a range does not belong to it.
      fromInclusive: after === undefined && !this.#reverse,
      to: this.#reverse ? from : to,
      toInclusive: this.#reverse,
    };
  }
}

/** Several ranges one after the other. */
export class RangeWalk {
  readonly #table: Table;
  readonly #ranges: readonly KeyRange[];
  readonly #reverse: boolean;
  #at: Timestamp;
  #position = 0;
  #walk: TableWalk | undefined;

  constructor(table: Table, ranges: readonly KeyRange[], reverse: boolean, at: Timestamp) {
    this.#table = table;
    this.#ranges = ranges;
    this.#reverse = reverse;
    this.#at = at;
  }

  /** A cursor that stands on the next entry; undefined behind the last range. */
  next(): TableCursor | undefined {
    for (;;) {
      const cursor = this.tryNext();
      if (cursor !== 'none') return cursor;
    }
  }

  /** As {@link next}, but 'none' at the end of a range that others follow: a walk over many ranges without entries can pause between them. */
  tryNext(): TableCursor | undefined | 'none' {
    if (this.#walk === undefined) {
      if (this.#position >= this.#ranges.length) return undefined;
      const i = this.#reverse ? this.#ranges.length - 1 - this.#position : this.#position;
      this.#walk = new TableWalk(this.#table, this.#ranges[i], this.#reverse, this.#at);
    }
    if (this.#walk.cursor.next()) return this.#walk.cursor;
    this.#position += 1;
    this.#walk = undefined;
    return this.#position < this.#ranges.length ? 'none' : undefined;
  }

  /** Goes on behind all keys of the range that begin with `prefix`. */
  skip(prefix: Uint8Array): void {
    // Backwards, what begins with the prefix lies behind it.
    const beyond = this.#reverse ? prefix : afterPrefix(prefix);
    if (beyond !== undefined) this.#walk?.seek(beyond);
  }

  /** Goes on in the range at `key`, which is further on: at the first key behind it, or backwards before it. */
  seek(key: Uint8Array): void {
    this.#walk?.seek(key);
  }

  moveTo(at: Timestamp): void {
    this.#at = at;
    this.#walk?.moveTo(at);
  }

  /** A walk of its own that goes on where this one stands. */
  fork(): RangeWalk {
    const fork = new RangeWalk(this.#table, this.#ranges, this.#reverse, this.#at);
    fork.#position = this.#position;
    fork.#walk = this.#walk?.fork();
    return fork;
  }
}
