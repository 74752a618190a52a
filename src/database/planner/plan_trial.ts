/**
 * Choosing among plans by running each for a moment: the one that gives the most results for its work wins. One that ends
 * within the trial, and one that needs no sort, is better than others that are as productive.
 */
import { TRIAL_RESULTS_MAX } from '../../base/limits.ts';
import type { Timestamp } from '../../base/optime.ts';
import type { CompiledFilter } from '../../query/matcher.ts';
import type { Collection } from '../catalog/collection.ts';
import type { Plan } from './access.ts';
import { openScan } from '../scan/scan.ts';
import type { Pace, Step } from '../scan/record_scan.ts';

/** Steps of work per plan. Lower than mongod's 10,000: all of a trial is one run of synchronous work. */
const WORKS_MAX = 1000;

export interface TrialTarget {
  readonly collection: Collection;
  readonly filter: CompiledFilter;
  readonly at: Timestamp;
}

/** Ends a scan after so many steps. */
class WorkBudget implements Pace {
  works = 0;

  isOver(): boolean {
    this.works += 1;
    return this.works > WORKS_MAX;
  }
}

export interface TrialResult {
  readonly winner: Plan;
  /** Steps of work that the winner took. */
  readonly works: number;
  /** Of all plans, the best first. */
  readonly scores: readonly number[];
}

export function tryPlans(plans: readonly Plan[], target: TrialTarget): TrialResult {
  let winner = plans[0];
  let best = { score: -1, works: 0 };
  const scores: number[] = [];
  for (const plan of plans) {
    const result = tryPlan(plan, target);
    scores.push(result.score);
    if (result.score <= best.score) continue;
    winner = plan;
    best = result;
  }
  return { winner, works: best.works, scores: scores.toSorted((a, b) => b - a) };
}

function tryPlan(
  plan: Plan,
  { collection, filter, at }: TrialTarget,
): { readonly score: number; readonly works: number } {
  const matcher = plan.isExact ? undefined : filter.matcher;
  const budget = new WorkBudget();
  const scan = openScan({ collection, access: plan.access, matcher, at, turn: budget, isTrial: true });
  let results = 0;
  let step: Step = 'record';
  while (results < TRIAL_RESULTS_MAX) {
    step = scan.advance();
    if (step !== 'record') break;
    results++;
  }
  const isEnded = step === 'end';
  // A sort gives nothing before everything was found.
  const isBlocked = !plan.isSorted && !isEnded;
  const { works } = budget;
  const productivity = (isBlocked ? 0 : results) / works;
  const bonus = Math.min(1 / (10 * works), 1e-4);
  const score = 1 + productivity + (plan.isSorted ? bonus : 0) + (plan.isExact ? bonus : 0) + (isEnded ? 1 : 0);
  return { score, works };
}
