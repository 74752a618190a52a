/** The `window` of a window function: a range of documents by position, or by the value they are sorted by. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { int64At } from '../../bson/bytes.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { integerOf, isWholeNumber, maybeStringOf, numberOf, type RawValue } from '../../bson/value.ts';
import { UTC } from '../date/time_zone.ts';
import { addUnits, timeUnitOf, type TimeUnit } from '../date/units.ts';
import type { SortField } from '../sort.ts';
import { itemsOf } from '../update/array_value.ts';
import type { Partition, WindowOf, WindowRange } from './partition.ts';

type Bound = 'unbounded' | 'current' | RawValue;

export type WindowSpec =
  | { readonly kind: 'documents'; readonly lower: Bound; readonly upper: Bound }
  | { readonly kind: 'range'; readonly lower: Bound; readonly upper: Bound; readonly unit: TimeUnit | undefined };

export const WHOLE_PARTITION: WindowSpec = { kind: 'documents', lower: 'unbounded', upper: 'unbounded' };

export function parseWindow(window: RawValue, sortFields: readonly SortField[]): WindowSpec {
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
  if (range !== undefined) return rangeWindow(range, unit, sortFields);
  if (unit !== undefined) throw failed("Window bounds can only specify 'unit' with range-based bounds.");
  return documents === undefined ? WHOLE_PARTITION : documentsWindow(documents, sortFields);
}

function documentsWindow(bounds: RawValue, sortFields: readonly SortField[]): WindowSpec {
  const [lower, upper] = boundsOf(bounds);
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

function rangeWindow(bounds: RawValue, unit: TimeUnit | undefined, sortFields: readonly SortField[]): WindowSpec {
  const [lower, upper] = boundsOf(bounds);
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

function boundsOf(bounds: RawValue): readonly [Bound, Bound] {
  const items = bounds.type === BSON_TYPE.array ? itemsOf(bounds) : [];
  const [lower, upper, ...rest] = items;
  if (lower === undefined || upper === undefined || rest.length > 0)
    throw failed('Window bounds must be a 2-element array');
  return [boundOf(lower), boundOf(upper)];
}

function boundOf(value: RawValue): Bound {
  const text = maybeStringOf(value);
  if (text === undefined) return value;
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

function documentsRange({ lower, upper }: WindowSpec, { documents }: Partition): WindowOf {
  const count = documents.length;
  return (index) => {
    const from = lower === 'unbounded' ? 0 : clamp(index + offsetOf(lower), count);
    const to = upper === 'unbounded' ? count : clamp(index + offsetOf(upper) + 1, count);
    return { from, to: Math.max(from, to) };
  };
}

function clamp(index: number, count: number): number {
  return Math.max(0, Math.min(count, index));
}

/** Values ascend, so both ends of the window only ever move on. */
function valueRange(spec: Extract<WindowSpec, { kind: 'range' }>, partition: Partition): WindowOf {
  const { lower, upper } = spec;
  const values = partition.documents.map((_, i) => placeOf(partition.sortValue(i), spec.unit));
  const shifted = (index: number, bound: Exclude<Bound, 'unbounded'>): number =>
    bound === 'current' ? values[index] : shift(values[index], bound, spec.unit);
  let from = 0;
  let to = 0;
  return (index): WindowRange => {
    if (lower !== 'unbounded') {
      const least = shifted(index, lower);
      while (from < values.length && values[from] < least) from++;
    }
    if (upper === 'unbounded') return { from, to: values.length };
    const most = shifted(index, upper);
    while (to < values.length && values[to] <= most) to++;
    return { from, to: Math.max(from, to) };
  };
}

/** A sorted-by value as a number: dates in milliseconds, and only with a unit. */
function placeOf(value: RawValue | undefined, unit: TimeUnit | undefined): number {
  if (value?.type === BSON_TYPE.date && unit !== undefined) return Number(int64At(value.bytes, value.start));
  if (value !== undefined && isNumericType(value.type) && unit === undefined) return numberOf(value);
  throw new CommandError(
    unit === undefined ? 5429413 : 5429513,
    "Invalid range: Expected the sortBy field to be a number, or with 'unit' a date",
  );
}

function shift(place: number, amount: RawValue, unit: TimeUnit | undefined): number {
  if (unit === undefined) return place + numberOf(amount);
  return Number(addUnits(BigInt(place), unit, integerOf(amount) ?? 0n, UTC));
}

function failed(message: string): CommandError {
  return new CommandError('FailedToParse', message);
}
