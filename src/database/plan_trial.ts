/**
 * Choosing among plans by running each for a moment: the one that gives the most results for its work wins. One that ends
 * within the trial, and one that needs no sort, is better than others that are as productive.
 */
import type { Timestamp } from '../base/optime.ts';
import type { CompiledFilter } from '../query/matcher.ts';
import type { Collection } from './collection.ts';
import type { Plan } from './planner/access.ts';
import { openScan } from './scan.ts';
import type { Pace, Step } from './record_scan.ts';

/** Source: internalQueryPlanEvaluationMaxResults. */
const RESULTS_MAX = 101;

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

export function tryPlans(plans: readonly Plan[], target: TrialTarget): Plan {
  let best = plans[0];
  let bestScore = -1;
  for (const plan of plans) {
    const score = scoreOf(plan, target);
    if (score > bestScore) {
      best = plan;
      bestScore = score;
    }
  }
  return best;
}

function scoreOf(plan: Plan, { collection, filter, at }: TrialTarget): number {
  const matcher = plan.isExact ? undefined : filter.matcher;
  const budget = new WorkBudget();
  const scan = openScan({ collection, access: plan.access, matcher, at, turn: budget, isTrial: true });
  let results = 0;
  let step: Step = 'record';
  while (results < RESULTS_MAX) {
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
  return 1 + productivity + (plan.isSorted ? bonus : 0) + (plan.isExact ? bonus : 0) + (isEnded ? 1 : 0);
}
