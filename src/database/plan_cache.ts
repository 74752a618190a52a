/**
 * What is remembered of a collection's queries by their shape: which plan won its trial, and which indexes an operator has
 * let them use. Of a plan only its identity is kept: plans are made anew for every query, for its own values. Nothing of
 * this is stored or replicated.
 */
import { PLAN_CACHE_ENTRIES_MAX } from '../base/limits.ts';

/** The winner among the plans for one shape. */
export interface CachedChoice {
  readonly identity: string;
  /** Steps that its trial took. */
  readonly works: number;
  /** Of the query that was tried: its filter and its sort as documents. */
  readonly query: Uint8Array;
  readonly sort: Uint8Array;
}

/** What `planCacheSetFilter` said. */
export interface IndexFilter {
  readonly query: Uint8Array;
  readonly sort: Uint8Array;
  readonly projection: Uint8Array;
  /** The array of names and key patterns, as it was given. */
  readonly indexes: Uint8Array;
  readonly names: ReadonlySet<string>;
}

export class PlanCache {
  readonly #choices = new Map<string, CachedChoice>();
  readonly #filters = new Map<string, IndexFilter>();

  find(shape: string): CachedChoice | undefined {
    return this.#choices.get(shape);
  }

  remember(shape: string, choice: CachedChoice): void {
    this.#choices.delete(shape);
    this.#choices.set(shape, choice);
    for (const oldest of this.#choices.keys()) {
      if (this.#choices.size <= PLAN_CACHE_ENTRIES_MAX) return;
      this.#choices.delete(oldest);
    }
  }

  choices(): Iterable<readonly [shape: string, choice: CachedChoice]> {
    return this.#choices;
  }

  /** Forgets the choice for one shape, or all. */
  clear(shape?: string): void {
    if (shape === undefined) this.#choices.clear();
    else this.#choices.delete(shape);
  }

  get hasFilters(): boolean {
    return this.#filters.size > 0;
  }

  filterFor(shape: string): IndexFilter | undefined {
    return this.#filters.get(shape);
  }

  filters(): Iterable<IndexFilter> {
    return this.#filters.values();
  }

  setFilter(shape: string, filter: IndexFilter): void {
    this.#filters.set(shape, filter);
    this.#choices.delete(shape);
  }

  /** Of one shape, or all. */
  clearFilters(shape?: string): void {
    if (shape === undefined) this.#filters.clear();
    else this.#filters.delete(shape);
    this.clear(shape);
  }
}
