/** Reading the oplog as a collection: by ranges of `ts`, forwards and backwards, and tailing it. */
import type { Timestamp } from '../../base/optime.ts';
import { findField } from '../../bson/elements.ts';
import { fieldName } from '../../bson/bytes.ts';
import { timestampFromRaw } from '../../bson/optime.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { Oplog } from '../../oplog/oplog.ts';
import type { CompiledFilter } from '../../query/matcher.ts';
import { PAUSE, type Source } from '../../query/pipeline/source.ts';
import type { Turn } from '../turn.ts';

export interface OplogQuery {
  readonly filter: CompiledFilter;
  readonly reverse: boolean;
  /** Nothing later than this is shown; it may rise while the query runs. */
  readonly visible: () => Timestamp;
}

const TS = fieldName('ts');

/** What conditions on `ts` say about where to begin and to end. */
interface Bounds {
  from: Timestamp | undefined;
  after: Timestamp | undefined;
  upTo: Timestamp | undefined;
}

/** Entries that match. At its end it may be asked again: there may be more by then. */
export class OplogSource implements Source {
  readonly #reader: { next(): Uint8Array | undefined };
  readonly #filter: CompiledFilter;
  readonly #turn: Turn;
  /** Going forwards, the walk ends with the first entry behind the range. */
  readonly #isPast: (ts: Timestamp) => boolean;
  #isOver = false;

  constructor(oplog: Oplog, query: OplogQuery, turn: Turn) {
    const { filter, reverse, visible } = query;
    const { from, after, upTo } = boundsOf(filter);
    const start = from === undefined ? (after === undefined ? {} : { after }) : { from };
    if (reverse) {
      const newest = (): Timestamp => (upTo !== undefined && upTo < visible() ? upTo : visible());
      this.#isPast = () => false;
      this.#reader = oplog.reader({ ...start, reverse, upTo: newest });
    } else {
      this.#isPast = (ts) => upTo !== undefined && ts > upTo;
      this.#reader = oplog.reader({ ...start, upTo: visible });
    }
    this.#filter = filter;
    this.#turn = turn;
  }

  next(): Uint8Array | undefined | typeof PAUSE {
    while (!this.#isOver) {
      if (this.#turn.isOver()) return PAUSE;
      const entry = this.#reader.next();
      if (entry === undefined) return undefined;
      if (this.#filter.matchesAll || this.#filter.matcher.matches(entry, 0)) return entry;
      const ts = findField(entry, TS);
      if (ts !== undefined && this.#isPast(timestampFromRaw(ts))) this.#isOver = true;
    }
    return undefined;
  }

  close(): void {
    this.#isOver = true;
  }
}

function boundsOf(filter: CompiledFilter): Bounds {
  const bounds: Bounds = { from: undefined, after: undefined, upTo: undefined };
  for (const conjunct of filter.conjuncts) {
    if (conjunct.path !== 'ts' || conjunct.kind === 'in' || conjunct.value.type !== BSON_TYPE.timestamp) continue;
    const ts = timestampFromRaw(conjunct.value);
    if (conjunct.kind === 'gte' || conjunct.kind === 'eq') bounds.from = later(bounds.from, ts);
    if (conjunct.kind === 'gt') bounds.after = later(bounds.after, ts);
    if (conjunct.kind === 'lte' || conjunct.kind === 'lt' || conjunct.kind === 'eq') bounds.upTo = ts;
  }
  if (bounds.from !== undefined && bounds.after !== undefined) {
    if (bounds.after >= bounds.from) bounds.from = undefined;
    else bounds.after = undefined;
  }
  return bounds;
}

function later(a: Timestamp | undefined, b: Timestamp): Timestamp {
  return a === undefined || b > a ? b : a;
}
