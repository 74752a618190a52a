/** The matchers of one shape of filters: one for every query of it that is under way. */
import type { Hole } from '../../query/match/filter_shape.ts';
import { OpenMatcher } from '../../query/match/open_matcher.ts';
import { compileFilter } from '../../query/matcher.ts';
import { holeOf, type HoleValues } from './prepared_plan.ts';

export class PreparedMatchers {
  /** A filter of the shape, a copy; its holes. */
  readonly #filter: Uint8Array;
  readonly #holes: readonly Hole[];
  #free: OpenMatcher | undefined;

  constructor({ filter, holes, holeCount }: HoleValues) {
    this.#filter = filter.slice();
    this.#holes = holes.slice(0, holeCount).map((hole) => ({ ...hole }));
  }

  /** To be given back when its query is done. */
  take({ filter, holes }: HoleValues): OpenMatcher {
    const matcher = this.#free ?? this.#make();
    this.#free = undefined;
    matcher.fill(filter, holes);
    return matcher;
  }

  giveBack(matcher: OpenMatcher): void {
    this.#free = matcher;
  }

  #make(): OpenMatcher {
    const values = { filter: this.#filter, holes: this.#holes, holeCount: this.#holes.length };
    return new OpenMatcher(compileFilter(this.#filter).predicate, (leaf) => holeOf(leaf, values));
  }
}
