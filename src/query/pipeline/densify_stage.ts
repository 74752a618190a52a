/** `$densify`: documents for the places between those that are there, step by step. */
import { CommandError } from '../../base/command_error.ts';
import { int64At, fieldName } from '../../bson/bytes.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType, typeAlias } from '../../bson/types.ts';
import {
  copyValue,
  integerOf,
  isWholeNumber,
  maybeStringOf,
  numberOf,
  rawDate,
  RAW_NULL,
  stringOf,
  type RawValue,
} from '../../bson/value.ts';
import { UTC } from '../date/time_zone.ts';
import { addUnits, timeUnitOf, type TimeUnit } from '../date/units.ts';
import { BARE_SCOPE, type ExpressionScope } from '../expression.ts';
import { fieldPathComponents } from '../field_path.ts';
import { NumberSum } from '../number/sum.ts';
import { itemsOf, rawArrayOf } from '../update/array_value.ts';
import { BlockingSource, type BlockingWork } from './blocking_source.ts';
import { MemoryBudget } from './memory_budget.ts';
import { valueThroughDocuments, withValueAt } from './set_at_path.ts';
import { PAUSE } from './source.ts';
import type { StageKind } from './stage.ts';

/** Most documents that one stage may add. Source: MongoDB's internalQueryMaxAllowedDensifyDocs. */
const ADDED_DOCUMENTS_MAX = 500_000;

/** Documents between two pauses. */
const RUN_DOCUMENTS = 256;

const NO_DOCUMENT = Uint8Array.of(5, 0, 0, 0, 0);

interface Step {
  readonly amount: RawValue;
  readonly unit: TimeUnit | undefined;
}

type Bounds = 'full' | 'partition' | { readonly lower: RawValue; readonly upper: RawValue };

interface DensifySpec {
  readonly field: readonly Uint8Array[];
  readonly partitionBy: readonly (readonly Uint8Array[])[];
  readonly step: Step;
  readonly bounds: Bounds;
}

export const densifyStage: StageKind = {
  name: '$densify',
  parse(operand, { scope }) {
    const spec = parseSpec(operand);
    return { kind: 'other', open: (source) => new BlockingSource(source, new DensifyWork(spec, scope)) };
  },
};

function parseSpec(operand: RawValue): DensifySpec {
  const options = optionsOf('$densify', operand, ['field', 'partitionByFields', 'range']);
  const field = pathOf(required(options, 'field'));
  const partitions = options.get('partitionByFields');
  if (partitions !== undefined && partitions.type !== BSON_TYPE.array)
    throw failed("'partitionByFields' must be an array");
  const range = optionsOf('$densify.range', required(options, 'range'), ['step', 'unit', 'bounds']);
  const unit = range.get('unit');
  const step = stepOf(required(range, 'step'), unit);
  const bounds = boundsOf(required(range, 'bounds'), step);
  const partitionBy = partitions === undefined ? [] : itemsOf(partitions).map(pathOf);
  if (bounds === 'partition' && partitionBy.length === 0) {
    throw failed(
      "one may not specify the bounds as 'partition' without specifying a non-empty array of partitionByFields",
    );
  }
  return { field, partitionBy, step, bounds };
}

function optionsOf(name: string, operand: RawValue, known: readonly string[]): ReadonlyMap<string, RawValue> {
  if (operand.type !== BSON_TYPE.object)
    throw failed(`the ${name} specification must be an object, found ${typeAlias(operand.type)}`);
  const options = new Map<string, RawValue>();
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    if (!known.includes(reader.name()))
      throw new CommandError(40415, `BSON field '${name}.${reader.name()}' is an unknown field.`);
    options.set(reader.name(), reader.value());
  }
  return options;
}

function required(options: ReadonlyMap<string, RawValue>, name: string): RawValue {
  const value = options.get(name);
  if (value === undefined)
    throw new CommandError(40414, `BSON field '$densify.${name}' is missing but a required field`);
  return value;
}

function pathOf(value: RawValue): Uint8Array[] {
  if (value.type !== BSON_TYPE.string) throw failed('$densify: fields must be named by strings');
  return fieldPathComponents(stringOf(value)).map(fieldName);
}

function stepOf(amount: RawValue, unit: RawValue | undefined): Step {
  if (!isNumericType(amount.type))
    throw failed('the step parameter in a range statement must be a strictly positive numeric value');
  if (!(numberOf(amount) > 0))
    throw new CommandError(
      5733401,
      'the step parameter in a range statement must be a strictly positive numeric value',
    );
  if (unit === undefined) return { amount, unit: undefined };
  if (!isWholeNumber(amount))
    throw new CommandError(
      6586400,
      'The step parameter in a range satement must be a whole number when densifying a date range',
    );
  return { amount, unit: timeUnitOf(maybeStringOf(unit) ?? '') };
}

function boundsOf(value: RawValue, { unit }: Step): Bounds {
  const text = maybeStringOf(value);
  if (text === 'full' || text === 'partition') return text;
  const [lower, upper, ...rest] = value.type === BSON_TYPE.array ? itemsOf(value) : [];
  if (lower === undefined || upper === undefined || rest.length > 0) {
    throw failed("the bounds in a range statement must be 'full', 'partition', or an array of two values");
  }
  for (const bound of [lower, upper]) {
    const fits = unit === undefined ? isNumericType(bound.type) : bound.type === BSON_TYPE.date;
    if (!fits) throw failed('bounds must be numbers, or dates with a unit');
  }
  if (BARE_SCOPE.order.compare(lower, upper) > 0)
    throw failed('the bounds in a range statement must be in ascending order');
  return { lower, upper };
}

interface Place {
  readonly value: RawValue;
  readonly document: Uint8Array;
}

class DensifyWork implements BlockingWork {
  readonly #spec: DensifySpec;
  readonly #scope: ExpressionScope;
  readonly #memory = new MemoryBudget('$densify');
  /** Documents without the field. */
  readonly #others: Uint8Array[] = [];
  readonly #partitions = new Map<string, Place[]>();
  #added = 0;

  constructor(spec: DensifySpec, scope: ExpressionScope) {
    this.#spec = spec;
    this.#scope = scope;
  }

  add(document: Uint8Array): void {
    this.#memory.take(document.length);
    const { field, partitionBy, step } = this.#spec;
    const value = valueThroughDocuments(document, field);
    if (value === undefined || value.type === BSON_TYPE.null || value.type === BSON_TYPE.undefined) {
      this.#others.push(document);
      return;
    }
    checkValue(value, step);
    const parts = partitionBy.map((path) => valueThroughDocuments(document, path) ?? RAW_NULL);
    const key = this.#scope.order.keyOf(rawArrayOf(parts));
    const places = this.#partitions.get(key) ?? [];
    this.#partitions.set(key, places);
    places.push({ value: copyValue(value), document });
  }

  *results(): Iterator<Uint8Array | typeof PAUSE> {
    yield* this.#others;
    const { order } = this.#scope;
    const partitions = [...this.#partitions.values()].map((places) =>
      places.toSorted((a, b) => order.compare(a.value, b.value)),
    );
    const whole = rangeOf(partitions.flat(), order);
    if (partitions.length === 0 && typeof this.#spec.bounds === 'object') partitions.push([]);
    let run = 0;
    for (const places of partitions) {
      for (const document of this.#partition(places, whole)) {
        yield document;
        run++;
        if (run % RUN_DOCUMENTS === 0) yield PAUSE;
      }
    }
  }

  /** The documents of a partition with what is added between them. */
  *#partition(places: readonly Place[], whole: Range | undefined): Generator<Uint8Array> {
    const { order } = this.#scope;
    let at = 0;
    for (const wanted of this.#wanted(places, whole)) {
      let isThere = false;
      for (; at < places.length; at++) {
        const comparison = order.compare(places[at].value, wanted);
        if (comparison > 0) break;
        if (comparison === 0) isThere = true;
        yield places[at].document;
      }
      if (!isThere) yield this.#addition(places[0]?.document, wanted);
    }
    for (; at < places.length; at++) yield places[at].document;
  }

  /** The values there should be. Given bounds do not include the upper one; the range of values that are there does. */
  *#wanted(places: readonly Place[], whole: Range | undefined): Generator<RawValue> {
    const { order } = this.#scope;
    const { bounds, step } = this.#spec;
    const isGiven = typeof bounds === 'object';
    const range = isGiven ? bounds : bounds === 'partition' ? rangeOf(places, order) : whole;
    if (range === undefined) return;
    let wanted = range.lower;
    for (let i = 1; ; i++) {
      const beyond = order.compare(wanted, range.upper);
      if (beyond > 0 || (isGiven && beyond === 0)) return;
      yield wanted;
      wanted = stepFrom(range.lower, wanted, step, i);
    }
  }

  #addition(like: Uint8Array | undefined, value: RawValue): Uint8Array {
    this.#added++;
    if (this.#added > ADDED_DOCUMENTS_MAX) {
      throw new CommandError(
        5897900,
        `Generated ${this.#added} documents in $densify, which is over the limit of ${ADDED_DOCUMENTS_MAX}`,
      );
    }
    const { field, partitionBy } = this.#spec;
    let document: Uint8Array = NO_DOCUMENT;
    for (const path of like === undefined ? [] : partitionBy) {
      document = withValueAt(document, path, like === undefined ? undefined : valueThroughDocuments(like, path));
    }
    return withValueAt(document, field, value);
  }
}

interface Range {
  readonly lower: RawValue;
  readonly upper: RawValue;
}

function rangeOf(places: readonly Place[], order: ExpressionScope['order']): Range | undefined {
  const [first] = places;
  if (first === undefined) return undefined;
  let [lower, upper] = [first.value, first.value];
  for (const { value } of places) {
    if (order.compare(value, lower) < 0) lower = value;
    if (order.compare(value, upper) > 0) upper = value;
  }
  return { lower, upper };
}

/** The place after `value`; months are counted from the start, because they differ in length. */
function stepFrom(start: RawValue, value: RawValue, { amount, unit }: Step, count: number): RawValue {
  if (unit !== undefined) {
    const from = int64At(start.bytes, start.start);
    return rawDate(Number(addUnits(from, unit, (integerOf(amount) ?? 0n) * BigInt(count), UTC)));
  }
  const sum = new NumberSum();
  sum.add(value);
  sum.add(amount);
  return sum.result();
}

function checkValue(value: RawValue, { unit }: Step): void {
  if (unit === undefined && value.type === BSON_TYPE.date) {
    throw new CommandError(6053600, '$densify does not support date values without a unit');
  }
  const fits = unit === undefined ? isNumericType(value.type) : value.type === BSON_TYPE.date;
  if (!fits) throw new CommandError(5733201, "Densify field type must be numeric, or a date with a 'unit'");
}

function failed(message: string): CommandError {
  return new CommandError('FailedToParse', message);
}
