/** What a checker is: it watches a run and says, in the end, what was wrong. */
import type { History } from '../history.ts';
import type { SimulatedSet } from '../simulated_set.ts';

export interface Checker {
  readonly name: string;
  /** After every event, while members may be down. Must be cheap. Returns what is wrong, if anything. */
  readonly observe?: (set: SimulatedSet) => string | undefined;
  /** When everything is healed and all members have applied everything. Returns what is wrong. */
  readonly verify?: (set: SimulatedSet, history: History) => Promise<string[]>;
}
