/** The `window` of a window function: a range of documents by position, or by the value they are sorted by. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { int64At } from '../../bson/bytes.ts';
import { BSON_TYPE, isNumericType, typeAlias } from '../../bson/types.ts';
import { integerOf, isWholeNumber, maybeStringOf, numberOf, type RawValue } from '../../bson/value.ts';
import { UTC } from '../date/time_zone.ts';
import { addUnits, timeUnitOf, type TimeUnit } from '../date/units.ts';
import { compileExpression, type ExpressionScope } from '../expression.ts';
import type { SortField } from '../sort.ts';
import { itemsOf } from '../update/array_value.ts';
import type { Partition, WindowOf, WindowRange } from './partition.ts';

type Bound = 'unbounded' | 'current' | RawValue;
type Bounds = readonly [lower: Bound, upper: Bound];

export type WindowSpec =
  | { readonly kind: 'documents'; readonly lower: Bound; readonly upper: Bound }
  | { readonly kind: 'range'; readonly lower: Bound; readonly upper: Bound; readonly unit: TimeUnit | undefined };

/** What the fields of a `window` depend on. */
interface WindowPlace {
  readonly scope: ExpressionScope;
  readonly sortFields: readonly SortField[];
}

export const WHOLE_PARTITION: WindowSpec = { kind: 'documents', lower: 'unbounded', upper: 'unbounded' };

export function parseWindow(window: RawValue, { scope, sortFields }: WindowPlace): WindowSpec {
  if (window.type !== BSON_TYPE.object) throw failed("'window' field must be an object");
  let documents: RawValue | undefined;
  let range: RawValue | undefined;
  let unit: TimeUnit | undefined;
  const reader = new ElementReader(window.bytes, window.start);
  while (reader.next()) {
    const name = reader.name();
    if (name === 'documents') documents = reader.value();
    else if (name === 'range') range = reader.value();
    else if (name === 'unit') unit = timeUnitOf(maybeStringOf(reader.value()) ?? '');
    else throw failed(`'window' field can only contain 'documents', 'range' or 'unit', found '${name}'`);
  }
  if (documents !== undefined && range !== undefined) {
    throw failed("Window bounds can specify either 'documents' or 'unit', not both.");
  }
  if (range !== undefined) return rangeWindow(boundsOf(range, scope), unit, sortFields);
  if (unit !== undefined) throw failed("Window bounds can only specify 'unit' with range-based bounds.");
  return documents === undefined ? WHOLE_PARTITION : documentsWindow(boundsOf(documents, scope), sortFields);
}

function documentsWindow([lower, upper]: Bounds, sortFields: readonly SortField[]): WindowSpec {
  for (const bound of [lower, upper]) {
    if (typeof bound === 'string') continue;
    if (!isNumericType(bound.type) || !isWholeNumber(bound))
      throw failed('Numeric document-based bounds must be an integer');
  }
  if (sortFields.length === 0 && (lower !== 'unbounded' || upper !== 'unbounded')) {
    throw new CommandError(5339901, 'Document-based bounds require a sortBy');
  }
  checkOrder(lower, upper);
  return { kind: 'documents', lower, upper };
}

function rangeWindow([lower, upper]: Bounds, unit: TimeUnit | undefined, sortFields: readonly SortField[]): WindowSpec {
  for (const bound of [lower, upper]) {
    if (typeof bound === 'string') continue;
    if (!isNumericType(bound.type)) throw failed('Range-based bounds expression must be a number');
    if (unit !== undefined && !isWholeNumber(bound)) throw failed("With 'unit', range-based bounds must be an integer");
  }
  const [only] = sortFields;
  if (only === undefined || sortFields.length > 1 || only.descending) {
    throw new CommandError(5339902, 'Range-based bounds require sortBy a single field, ascending');
  }
  checkOrder(lower, upper);
  return { kind: 'range', lower, upper, unit };
}

function boundsOf(bounds: RawValue, scope: ExpressionScope): Bounds {
  const items = bounds.type === BSON_TYPE.array ? itemsOf(bounds) : [];
  const [lower, upper, ...rest] = items;
  if (lower === undefined || upper === undefined || rest.length > 0)
    throw failed('Window bounds must be a 2-element array');
  return [boundOf(lower, scope), boundOf(upper, scope)];
}

/** A keyword, or an expression that has the same value for every document. */
function boundOf(value: RawValue, scope: ExpressionScope): Bound {
  const text = maybeStringOf(value);
  if (text === undefined) {
    const { constant } = compileExpression(value, scope);
    if (constant === undefined) throw failed('Window bounds expression must be a constant.');
    return constant;
  }
  if (text === 'unbounded' || text === 'current') return text;
  throw failed("Window bounds must be 'unbounded', 'current', or a number.");
}

function checkOrder(lower: Bound, upper: Bound): void {
  if (lower === 'unbounded' || upper === 'unbounded') return;
  if (offsetOf(lower) > offsetOf(upper)) {
    throw new CommandError(5339900, 'Lower bound must not exceed upper bound');
  }
}

function offsetOf(bound: Exclude<Bound, 'unbounded'>): number {
  return bound === 'current' ? 0 : numberOf(bound);
}

export function windowOf(spec: WindowSpec, partition: Partition): WindowOf {
  return spec.kind === 'documents' ? documentsRange(spec, partition) : valueRange(spec, partition);
}

function documentsRange({ lower, upper }: WindowSpec, { length: count }: Partition): WindowOf {
  return (index) => {
    const from = lower === 'unbounded' ? 0 : clamp(index + offsetOf(lower), count);
    const to = upper === 'unbounded' ? count : clamp(index + offsetOf(upper) + 1, count);
    return { from, to: Math.max(from, to) };
  };
}

function clamp(index: number, count: number): number {
  return Math.max(0, Math.min(count, index));
}

/**
 * Values ascend, so both ends of the window only ever move on. A bound of 0 takes in all documents alike; `current` is the
 * document itself.
 */
function valueRange(spec: Extract<WindowSpec, { kind: 'range' }>, partition: Partition): WindowOf {
  const { lower, upper } = spec;
  const values = Array.from({ length: partition.length }, (_, i) => placeOf(partition.sortValue(i), spec.unit));
  let from = 0;
  let to = 0;
  return (index): WindowRange => {
    if (lower === 'current') from = index;
    else if (lower !== 'unbounded') {
      const least = shift(values[index], lower, spec.unit);
      while (from < values.length && values[from] < least) from++;
    }
    if (upper === 'unbounded') return { from, to: values.length };
    if (upper === 'current') return { from, to: index + 1 };
    const most = shift(values[index], upper, spec.unit);
    while (to < values.length && values[to] <= most) to++;
    return { from, to: Math.max(from, to) };
  };
}

/** A sorted-by value as a number: dates in milliseconds, and only with a unit. */
function placeOf(value: RawValue | undefined, unit: TimeUnit | undefined): number {
  if (value?.type === BSON_TYPE.date && unit !== undefined) return Number(int64At(value.bytes, value.start));
  if (value !== undefined && isNumericType(value.type) && unit === undefined) return numberOf(value);
  throw badPlace(value === undefined ? 'missing' : typeAlias(value.type), unit);
}

function badPlace(type: string, unit: TimeUnit | undefined): CommandError {
  if (unit !== undefined) {
    return new CommandError(5429513, `Invalid range: Expected the sortBy field to be a Date, but it was ${type}`);
  }
  if (type === 'date') {
    const message = 'Invalid range: For windows that involve date or time ranges, a unit must be provided.';
    return new CommandError(5429413, message);
  }
  return new CommandError(5429414, `Invalid range: Expected the sortBy field to be a number, but it was ${type}`);
}

function shift(place: number, amount: RawValue, unit: TimeUnit | undefined): number {
  if (unit === undefined) return place + numberOf(amount);
  return Number(addUnits(BigInt(place), unit, integerOf(amount) ?? 0n, UTC));
}

function failed(message: string): CommandError {
  return new CommandError('FailedToParse', message);
}
