/** Every accumulator of `$group`. A new one is a file and a row here. */
import type { AccumulatorKind } from './accumulator.ts';
import { addToSetAccumulator, pushAccumulator } from './list_accumulators.ts';
import { avgAccumulator, sumAccumulator } from './number_accumulators.ts';
import { firstAccumulator, lastAccumulator, maxAccumulator, minAccumulator } from './order_accumulators.ts';

const ACCUMULATORS: readonly AccumulatorKind[] = [
  addToSetAccumulator,
  avgAccumulator,
  firstAccumulator,
  lastAccumulator,
  maxAccumulator,
  minAccumulator,
  pushAccumulator,
  sumAccumulator,
];

export const ACCUMULATOR_BY_NAME: ReadonlyMap<string, AccumulatorKind> = new Map(
  ACCUMULATORS.map((accumulator) => [accumulator.name, accumulator]),
);

/** Accumulators of MongoDB 8.0 that are not built. */
export const UNBUILT_ACCUMULATORS: ReadonlySet<string> = new Set([
  '$accumulator',
  '$bottom',
  '$bottomN',
  '$firstN',
  '$lastN',
  '$maxN',
  '$median',
  '$mergeObjects',
  '$minN',
  '$percentile',
  '$stdDevPop',
  '$stdDevSamp',
  '$top',
  '$topN',
]);
