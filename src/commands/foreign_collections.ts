/** The other collections that a pipeline reads, as `$lookup` does, for as long as its cursor lives. */
import { TIMESTAMP_MAX, type Timestamp } from '../base/optime.ts';
import type { MemberData } from '../database/member_data.ts';
import { ListSource, MatchSource, openFind, SortSource, WindowSource } from '../database/running_query.ts';
import type { Turn } from '../database/turn.ts';
import { compileFilter, type CompiledFilter } from '../query/matcher.ts';
import type { Pushdown } from '../query/pipeline.ts';
import type { Source } from '../query/pipeline/source.ts';
import type { Collections } from '../query/pipeline/stage.ts';
import { virtualDocuments } from './cursor_reply.ts';
import { EMPTY_DOCUMENT } from './empty_document.ts';

const MATCH_ALL: CompiledFilter = compileFilter(EMPTY_DOCUMENT);

type MoveTo = (at: Timestamp) => void;

/** Opens scans at the time that the cursor reads at, and moves those that are open along with it. */
export class ForeignCollections implements Collections {
  readonly #data: MemberData;
  readonly #turn: Turn;
  readonly #readAt: () => Timestamp;
  readonly #open = new Set<MoveTo>();

  constructor(data: MemberData, turn: Turn, readAt: () => Timestamp) {
    this.#data = data;
    this.#turn = turn;
    this.#readAt = readAt;
  }

  open(ns: string, wanted: Pushdown): Source {
    const { sort, skip, limit } = wanted;
    const filter = wanted.filter ?? MATCH_ALL;
    const at = ns.startsWith('local.') ? TIMESTAMP_MAX : this.#readAt();
    const collection = this.#data.catalog.find(ns);
    if (collection === undefined) {
      let source: Source = new MatchSource(new ListSource(virtualDocuments(ns, this.#data, at) ?? []), filter);
      if (sort !== undefined) source = new SortSource(source, sort, skip + limit);
      return new WindowSource(source, skip, limit);
    }
    const turn = this.#turn;
    const query = openFind({ collection, filter, sort, skip, limit, hint: undefined, projection: undefined, at, turn });
    const moveTo: MoveTo = (to) => query.moveTo(to);
    this.#open.add(moveTo);
    return {
      next: () => query.source.next(),
      close: () => {
        this.#open.delete(moveTo);
        query.source.close();
      },
    };
  }

  moveTo(at: Timestamp): void {
    for (const moveTo of this.#open) moveTo(at);
  }
}
