/** Every accumulator of `$group`. A new one is a file and a row here. */
import type { AccumulatorKind } from './accumulator.ts';
import { countAccumulator } from './count_accumulator.ts';
import { standardDeviationAccumulators } from './deviation_accumulators.ts';
import { addToSetAccumulator, pushAccumulator } from './list_accumulators.ts';
import { mergeObjectsAccumulator } from './merge_accumulator.ts';
import { firstNAccumulator, lastNAccumulator, maxNAccumulator, minNAccumulator } from './n_accumulators.ts';
import { avgAccumulator, sumAccumulator } from './number_accumulators.ts';
import { firstAccumulator, lastAccumulator, maxAccumulator, minAccumulator } from './order_accumulators.ts';
import { medianAccumulator, percentileAccumulator } from './percentile_accumulators.ts';
import { bottomAccumulator, bottomNAccumulator, topAccumulator, topNAccumulator } from './top_accumulators.ts';

const ACCUMULATORS: readonly AccumulatorKind[] = [
  addToSetAccumulator,
  avgAccumulator,
  bottomAccumulator,
  bottomNAccumulator,
  countAccumulator,
  firstAccumulator,
  firstNAccumulator,
  lastAccumulator,
  lastNAccumulator,
  maxAccumulator,
  maxNAccumulator,
  medianAccumulator,
  mergeObjectsAccumulator,
  minAccumulator,
  minNAccumulator,
  percentileAccumulator,
  pushAccumulator,
  ...standardDeviationAccumulators,
  sumAccumulator,
  topAccumulator,
  topNAccumulator,
];

export const ACCUMULATOR_BY_NAME: ReadonlyMap<string, AccumulatorKind> = new Map(
  ACCUMULATORS.map((accumulator) => [accumulator.name, accumulator]),
);

/** Accumulators of MongoDB 8.0 that are not built: there is no scripting. */
export const UNBUILT_ACCUMULATORS: ReadonlySet<string> = new Set(['$accumulator']);
