/** Every function of `$setWindowFields`. A new one is a file and a row here. */
import { ACCUMULATOR_BY_NAME } from '../accumulator/accumulators.ts';
import { accumulatorFunction } from './accumulator_functions.ts';
import { covarianceFunctions } from './covariance_functions.ts';
import { linearFillFunction, locfFunction } from './fill_functions.ts';
import { expMovingAvgFunction } from './moving_average_function.ts';
import { rankFunctions } from './rank_functions.ts';
import { shiftFunction } from './shift_function.ts';
import { derivativeFunction, integralFunction } from './slope_functions.ts';
import type { WindowFunctionKind } from './window_function.ts';

const FUNCTIONS: readonly WindowFunctionKind[] = [
  ...[...ACCUMULATOR_BY_NAME.values()].filter(({ name }) => name !== '$mergeObjects').map(accumulatorFunction),
  ...covarianceFunctions,
  derivativeFunction,
  expMovingAvgFunction,
  integralFunction,
  linearFillFunction,
  locfFunction,
  ...rankFunctions,
  shiftFunction,
];

export const WINDOW_FUNCTION_BY_NAME: ReadonlyMap<string, WindowFunctionKind> = new Map(
  FUNCTIONS.map((one) => [one.name, one]),
);
