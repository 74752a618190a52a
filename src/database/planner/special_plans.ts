/** Every planner of conditions that only one kind of index can answer. A new one is a file and a row here. */
import { nearPlanner } from './near_plan.ts';
import type { SpecialPlanner } from './special_plan.ts';
import { textPlanner } from './text_plan.ts';

export const SPECIAL_PLANNERS: readonly SpecialPlanner[] = [textPlanner, nearPlanner];
