/** Filters of partial indexes: which ones there may be. */
import { CommandError } from '../../base/command_error.ts';
import { describePredicate } from '../../query/match/describe_predicate.ts';
import { compileFilter } from '../../query/matcher.ts';
import type { Predicate } from '../../query/match/predicate.ts';
import { rawObject, type RawValue } from '../../bson/value.ts';
import { normalizePredicate } from '../../query/match/normalize_predicate.ts';
import { serializePredicate } from '../../query/match/serialize_predicate.ts';

/** Below this depth a condition is too deep. */
const DEPTH_MAX = 4;

/** The filter in its normal form. Throws CannotCreateIndex for conditions that an index cannot have. */
export function parsePartialFilter(expression: RawValue, isSparse: boolean): RawValue {
  const { predicate } = compileFilter(expression.bytes.slice(expression.start, expression.end));
  checkPredicate(predicate, 0);
  if (isSparse) {
    throw new CommandError('CannotCreateIndex', 'cannot mix "partialFilterExpression" and "sparse" options');
  }
  return rawObject(serializePredicate(normalizePredicate(predicate)));
}

function checkPredicate(predicate: Predicate, depth: number): void {
  switch (predicate.kind) {
    case 'and':
    case 'or':
      if (depth >= DEPTH_MAX) {
        throw new CommandError('CannotCreateIndex', `partialFilterExpression depth may not exceed ${DEPTH_MAX}`);
      }
      for (const child of predicate.children) checkPredicate(child, depth + 1);
      return;
    case 'eq':
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
    case 'in':
    case 'exists':
      return;
    case 'other':
      if (SUPPORTED_OPERATORS.has(predicate.operator)) return;
      break;
    default:
  }
  const text = describePredicate(predicate);
  throw new CommandError('CannotCreateIndex', `unsupported expression in partial index: ${text}`);
}

const SUPPORTED_OPERATORS: ReadonlySet<string> = new Set(['$type', '$geoWithin', '$geoIntersects']);
