/**
 * `$densify`: documents for the places between those that are there, step by step.
 *
 * The documents are sorted by the field (and before that by partition, unless the range is that of all partitions), then
 * pass one by one; each partition remembers the place that comes next. What is missing before a document is made when it
 * comes, what is missing behind the last one at the end.
 */
import { CommandError } from '../../base/command_error.ts';
import { invariant } from '../../base/invariant.ts';
import { int64At } from '../../bson/bytes.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { copyValue, integerOf, numberOf, rawDate, rawDouble, RAW_NULL, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { UTC } from '../date/time_zone.ts';
import { addUnits } from '../date/units.ts';
import type { ExpressionScope } from '../expression.ts';
import { addNumbers } from '../number/arithmetic.ts';
import { compileSort, type SortSpec } from '../sort.ts';
import { Sorter } from '../sort/sorter.ts';
import { rawArrayOf } from '../update/array_value.ts';
import { BlockingSource, type BlockingWork } from './blocking_source.ts';
import { parseDensify, type DensifySpec, type Step } from './densify_spec.ts';
import { MemoryBudget, type StageMemory } from './memory_budget.ts';
import { Pace } from '../pace.ts';
import { valueThroughDocuments, withValueAt } from './set_at_path.ts';
import { PAUSE } from './source.ts';
import type { StageKind } from './stage.ts';

/** Most documents that one stage may add. Source: MongoDB's internalQueryMaxAllowedDensifyDocs. */
const ADDED_DOCUMENTS_MAX = 500_000;

const NO_DOCUMENT = Uint8Array.of(5, 0, 0, 0, 0);

/** What a partition costs besides its key and its values. */
const PARTITION_OVERHEAD_BYTES = 128;

export const densifyStage: StageKind = {
  name: '$densify',
  parse(operand, { scope, memory }) {
    const spec = parseDensify(operand);
    return { kind: 'other', open: (source) => new BlockingSource(source, new DensifyWork(spec, scope, memory), scope) };
  },
};

interface PartitionPlace {
  /** The fields that documents of the partition share. */
  readonly fields: Uint8Array;
  /** Where the next document should be. */
  next: RawValue;
}

class DensifyWork implements BlockingWork {
  readonly #spec: DensifySpec;
  readonly #scope: ExpressionScope;
  readonly #sorter: Sorter;
  readonly #budget: MemoryBudget;
  readonly #pace: Pace;
  readonly #partitions = new Map<string, PartitionPlace>();
  /** Of the first and the last document. */
  #least: RawValue | undefined;
  #greatest: RawValue | undefined;
  #added = 0;

  constructor(spec: DensifySpec, scope: ExpressionScope, memory: StageMemory) {
    this.#pace = new Pace(scope.turn);
    this.#spec = spec;
    this.#scope = scope;
    this.#sorter = new Sorter(sortOf(spec, scope), Infinity, memory);
    this.#budget = new MemoryBudget('$densify', memory, () => partitionsTooLarge(memory.bytesMax));
  }

  add(document: Uint8Array): void {
    this.#sorter.add(document);
  }

  *results(): Generator<Uint8Array | typeof PAUSE> {
    for (let document = this.#sorter.next(); document !== undefined; document = this.#sorter.next()) {
      if (this.#pace.isOver()) yield PAUSE;
      const value = valueThroughDocuments(document, this.#spec.field);
      if (value === undefined || value.type === BSON_TYPE.null || value.type === BSON_TYPE.undefined) yield document;
      else yield* this.#before(document, value);
    }
    yield* this.#after();
  }

  close(): void {
    this.#sorter.close();
  }

  /** What is missing before a document, and the document. */
  *#before(document: Uint8Array, value: RawValue): Generator<Uint8Array | typeof PAUSE> {
    checkValue(value, this.#spec.step);
    const { compare } = this.#scope.order;
    const { bounds, step } = this.#spec;
    const partition = this.#partitionOf(document, value);
    const isGiven = typeof bounds === 'object';
    const end = isGiven && compare(bounds.upper, value) < 0 ? bounds.upper : value;
    yield* this.#fill(partition, end);
    const isInside = !isGiven || compare(value, bounds.upper) < 0;
    // From here on what is added has the type of this value.
    if (isInside && compare(partition.next, value) === 0) partition.next = stepFrom(copyValue(value), step);
    yield document;
  }

  /** What is missing behind the last document of each partition. */
  *#after(): Generator<Uint8Array | typeof PAUSE> {
    const { bounds } = this.#spec;
    if (bounds === 'partition') return;
    if (typeof bounds === 'object') {
      const isEmpty = this.#partitions.size === 0;
      const all = isEmpty ? [{ fields: NO_DOCUMENT, next: bounds.lower }] : [...this.#partitions.values()];
      for (const partition of all) yield* this.#fill(partition, bounds.upper);
      return;
    }
    const greatest = this.#greatest;
    if (greatest === undefined) return;
    const { compare } = this.#scope.order;
    for (const partition of this.#partitions.values()) {
      yield* this.#fill(partition, greatest);
      if (compare(partition.next, greatest) === 0) yield this.#addition(partition);
    }
  }

  /** Documents up to before `end`. */
  *#fill(partition: PartitionPlace, end: RawValue): Generator<Uint8Array | typeof PAUSE> {
    const { compare } = this.#scope.order;
    while (compare(partition.next, end) < 0) {
      if (this.#pace.isOver()) yield PAUSE;
      yield this.#addition(partition);
      partition.next = stepFrom(partition.next, this.#spec.step);
    }
  }

  #addition({ fields, next }: PartitionPlace): Uint8Array {
    this.#added++;
    if (this.#added > ADDED_DOCUMENTS_MAX) {
      throw new CommandError(
        5897900,
        `Generated ${this.#added} documents in $densify, which is over the limit of ${ADDED_DOCUMENTS_MAX}. ` +
          "Increase the 'internalQueryMaxAllowedDensifyDocs' parameter to allow more generated documents",
      );
    }
    return withValueAt(fields, this.#spec.field, next);
  }

  #partitionOf(document: Uint8Array, value: RawValue): PartitionPlace {
    const { partitionBy, bounds } = this.#spec;
    this.#least ??= copyValue(value);
    if (bounds === 'full') this.#greatest = copyValue(value);
    const parts = partitionBy.map((path) => valueThroughDocuments(document, path));
    const key = this.#scope.order.keyOf(rawArrayOf(parts.map((part) => part ?? RAW_NULL)));
    const known = this.#partitions.get(key);
    if (known !== undefined) return known;
    let fields: Uint8Array = NO_DOCUMENT;
    for (const [i, path] of partitionBy.entries()) fields = withValueAt(fields, path, parts[i]);
    checkWay(fields, this.#spec.field);
    const next = typeof bounds === 'object' ? bounds.lower : bounds === 'full' ? this.#least : copyValue(value);
    const partition = { fields, next };
    this.#budget.take(key.length + fields.length + PARTITION_OVERHEAD_BYTES);
    this.#partitions.set(key, partition);
    return partition;
  }
}

function sortOf({ paths, bounds }: DensifySpec, scope: ExpressionScope): SortSpec {
  const writer = new BsonWriter().startDocument();
  const names = new Set(bounds === 'full' ? [paths.field] : [...paths.partitionBy, paths.field]);
  for (const name of names) writer.int32(name, 1);
  const sort = compileSort(writer.endDocument().finish(), scope.order);
  invariant(sort !== undefined, 'there is a field to sort by');
  return sort;
}

/** The place after `value`. */
function stepFrom(value: RawValue, { amount, unit }: Step): RawValue {
  if (unit !== undefined) {
    return rawDate(Number(addUnits(int64At(value.bytes, value.start), unit, integerOf(amount) ?? 0n, UTC)));
  }
  return addNumbers(value, amount) ?? rawDouble(numberOf(value) + numberOf(amount));
}

/** Documents that are added must not put the field into what a partition field holds. */
function checkWay(fields: Uint8Array, path: readonly Uint8Array[]): void {
  for (let length = 1; length < path.length; length++) {
    const value = valueThroughDocuments(fields, path.slice(0, length));
    if (value === undefined) return;
    if (value.type === BSON_TYPE.array) {
      throw new CommandError(5733307, '$densify cannot generate fields nested inside arrays');
    }
    if (value.type !== BSON_TYPE.object) {
      throw new CommandError(5733308, '$densify cannot overwrite non-object values with objects');
    }
  }
}

function checkValue(value: RawValue, { unit }: Step): void {
  if (unit === undefined && value.type === BSON_TYPE.date) {
    throw new CommandError(6053600, '$densify does not support date values without a unit');
  }
  const fits = unit === undefined ? isNumericType(value.type) : value.type === BSON_TYPE.date;
  if (!fits) throw new CommandError(5733201, "Densify field type must be numeric, or a date with a 'unit'");
}

function partitionsTooLarge(bytesMax: number): CommandError {
  return new CommandError(6007200, `$densify exceeded memory limit of ${bytesMax} bytes`);
}
