/**
 * What is remembered of a collection's queries by their shape: which plan won its trial, and which indexes an operator has
 * let them use. What is kept of a plan serves to find it again: plans are made anew for every query, for its own values. Nothing of
 * this is stored or replicated.
 */
import { PLAN_CACHE_ENTRIES_MAX } from '../../base/limits.ts';

/** The winner among the plans for one shape. */
export interface CachedChoice {
  /** Under which it is kept: the shape, and which partial indexes may serve the query. */
  readonly key: string;
  readonly shape: string;
  readonly identity: string;
  /** Whether queries go by it. Else the next trial of the shape decides whether they will. */
  readonly isActive: boolean;
  /** Steps that its trial took. */
  readonly works: number;
  /** The plan as it was made for the query that was tried: its stages, as explain shows them. */
  readonly shown: () => Uint8Array;
  /** Of all plans that were tried, the best first. */
  readonly scores: readonly number[];
  /** Of the query that was tried: its filter and its sort as documents. */
  readonly query: Uint8Array;
  readonly sort: Uint8Array;
}

/** A cached plan that takes so many times the works of its trial is tried against the others again. */
const REPLAN_FACTOR = 10;

/** How the works that are allowed to a plan grow with every trial that takes more. */
const GROWTH_FACTOR = 2;

/** What `planCacheSetFilter` said. */
export interface IndexFilter {
  readonly query: Uint8Array;
  readonly sort: Uint8Array;
  readonly projection: Uint8Array;
  readonly collation: Uint8Array | undefined;
  /** The array of names and key patterns, as it was given. */
  readonly indexes: Uint8Array;
  readonly names: ReadonlySet<string>;
}

/**
 * A choice is not gone by at once: a first trial may have met values that are not typical. It becomes active when another
 * trial of the shape takes no more works; one that takes more lets the next take more still. Source: the manual, "Plan Cache
 * Entry State".
 */
export class PlanCache {
  readonly #choices = new Map<string, CachedChoice>();
  readonly #filters = new Map<string, IndexFilter>();

  find(key: string): CachedChoice | undefined {
    return this.#choices.get(key);
  }

  /** What to go by. */
  findActive(key: string): CachedChoice | undefined {
    const choice = this.#choices.get(key);
    return choice?.isActive === true ? choice : undefined;
  }

  /** Takes note of who won a trial. */
  remember(won: Omit<CachedChoice, 'isActive'>): void {
    const known = this.#choices.get(won.key);
    this.#choices.delete(won.key);
    this.#choices.set(won.key, nextState(known, won));
    for (const oldest of this.#choices.keys()) {
      if (this.#choices.size <= PLAN_CACHE_ENTRIES_MAX) return;
      this.#choices.delete(oldest);
    }
  }

  /** A query that went by `choice` came to its first results, or to its end, after so many steps. */
  noteWorks(choice: CachedChoice, works: number): void {
    if (works <= choice.works * REPLAN_FACTOR || this.#choices.get(choice.key) !== choice) return;
    this.#choices.set(choice.key, { ...choice, isActive: false });
  }

  choices(): Iterable<CachedChoice> {
    return this.#choices.values();
  }

  /** Forgets the choice for one shape, or all. */
  clear(shape?: string): void {
    if (shape === undefined) this.#choices.clear();
    for (const choice of this.#choices.values()) if (choice.shape === shape) this.#choices.delete(choice.key);
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
    this.clear(shape);
  }

  /** Of one shape, or all. */
  clearFilters(shape?: string): void {
    if (shape === undefined) this.#filters.clear();
    else this.#filters.delete(shape);
    this.clear(shape);
  }
}

function nextState(known: CachedChoice | undefined, won: Omit<CachedChoice, 'isActive'>): CachedChoice {
  if (known === undefined || known.isActive) return { ...won, isActive: false };
  if (won.works <= known.works) return { ...won, isActive: true };
  return { ...known, works: Math.max(known.works * GROWTH_FACTOR, known.works + 1) };
}
