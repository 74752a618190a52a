/**
 * The plans that won their trials, by the shape of the query. Only the choice is kept, as the identity of the plan: plans
 * are made anew for every query, for its own values.
 */
import { PLAN_CACHE_ENTRIES_MAX } from '../base/limits.ts';

export class PlanCache {
  readonly #choices = new Map<string, string>();

  /** The identity of the plan that won last time. */
  find(shape: string): string | undefined {
    return this.#choices.get(shape);
  }

  remember(shape: string, identity: string): void {
    this.#choices.delete(shape);
    this.#choices.set(shape, identity);
    for (const oldest of this.#choices.keys()) {
      if (this.#choices.size <= PLAN_CACHE_ENTRIES_MAX) return;
      this.#choices.delete(oldest);
    }
  }

  clear(): void {
    this.#choices.clear();
  }
}
