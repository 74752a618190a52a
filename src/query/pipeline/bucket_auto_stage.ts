/** `$bucketAuto`: groups by ranges that are chosen so that each holds about as many documents. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType, typeAlias } from '../../bson/types.ts';
import {
  copyValue,
  isWholeNumber,
  maybeStringOf,
  numberOf,
  RAW_NULL,
  stringOf,
  type RawValue,
} from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { describeValue } from '../describe.ts';
import { compileExpression, type Expression, type ExpressionScope } from '../expression.ts';
import type { Accumulator } from '../accumulator/accumulator.ts';
import { Sorter } from '../sort/sorter.ts';
import { valueKeys } from '../sort/value_keys.ts';
import type { ValueOrder } from '../value_order.ts';
import type { AccumulatedField } from './accumulated_fields.ts';
import { BlockingSource, type BlockingWork } from './blocking_source.ts';
import { countField, outputOf } from './bucket_stage.ts';
import { checkRoundable, rounderOf, type Rounder } from './granularity.ts';
import { MemoryBudget, MemoryShare } from './memory_budget.ts';
import { Pace } from '../pace.ts';
import { PAUSE } from './source.ts';
import type { StageContext, StageKind } from './stage.ts';

interface BucketAutoSpec {
  readonly groupBy: Expression;
  readonly buckets: number;
  readonly fields: readonly AccumulatedField[];
  readonly rounder: Rounder | undefined;
}

export const bucketAutoStage: StageKind = {
  name: '$bucketAuto',
  parse(operand, context) {
    const spec = parseSpec(operand, context.scope);
    return {
      kind: 'other',
      open: (source) => new BlockingSource(source, new BucketAutoWork(spec, context), context.scope),
    };
  },
};

function parseSpec(operand: RawValue, scope: ExpressionScope): BucketAutoSpec {
  if (operand.type !== BSON_TYPE.object) {
    const type = typeAlias(operand.type);
    throw new CommandError(40240, `The argument to $bucketAuto must be an object, but found type: ${type}`);
  }
  let groupBy: Expression | undefined;
  let buckets: number | undefined;
  let fields: AccumulatedField[] | undefined;
  let rounder: Rounder | undefined;
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const name = reader.name();
    if (name === 'groupBy') groupBy = groupByOf(reader.value(), scope);
    else if (name === 'buckets') buckets = bucketsOf(reader.value());
    else if (name === 'output') fields = outputOf('$bucketAuto', 40244, reader.value(), scope);
    else if (name === 'granularity') rounder = granularityOf(reader.value());
    else throw new CommandError(40245, `Unrecognized option to $bucketAuto: ${name}`);
  }
  if (groupBy === undefined || buckets === undefined) {
    throw new CommandError(40246, "$bucketAuto requires 'groupBy' and 'buckets' to be specified");
  }
  if (fields?.some(({ accumulator }) => accumulator.readsId === true) === true) {
    throw new CommandError(4544714, "Can't refer to the group key in $bucketAuto");
  }
  return { groupBy, buckets, fields: fields ?? [countField(scope)], rounder };
}

function groupByOf(value: RawValue, scope: ExpressionScope): Expression {
  const first = value.type === BSON_TYPE.object ? new ElementReader(value.bytes, value.start) : undefined;
  const isOperator = first?.next() === true && first.name().startsWith('$');
  const isPath = value.type === BSON_TYPE.string && stringOf(value).startsWith('$');
  if (isOperator || isPath) return compileExpression(value, scope);
  const shown = describeValue(value);
  throw new CommandError(
    40239,
    `The $bucketAuto 'groupBy' field must be defined as a $-prefixed path or an expression object, but found: ${shown}`,
  );
}

function bucketsOf(value: RawValue): number {
  if (!isNumericType(value.type)) {
    const type = typeAlias(value.type);
    throw new CommandError(40241, `The $bucketAuto 'buckets' field must be a numeric value, but found type: ${type}`);
  }
  const count = numberOf(value);
  if (!isWholeNumber(value) || count !== (count | 0)) {
    throw new CommandError(
      40242,
      `The $bucketAuto 'buckets' field must be representable as a 32-bit integer, but found ${describeValue(value)}`,
    );
  }
  if (count > 0) return count;
  throw new CommandError(40243, `The $bucketAuto 'buckets' field must be greater than 0, but found: ${count}`);
}

function granularityOf(value: RawValue): Rounder {
  const name = maybeStringOf(value);
  if (name !== undefined) return rounderOf(name);
  const type = typeAlias(value.type);
  throw new CommandError(40261, `The $bucketAuto 'granularity' field must be a string, but found type: ${type}`);
}

/** The documents in order; those of the bucket that is being filled, and the next one. */
class BucketAutoWork implements BlockingWork {
  readonly #spec: BucketAutoSpec;
  readonly #order: ValueOrder;
  readonly #budget: MemoryBudget;
  readonly #sorter: Sorter;
  readonly #pace: Pace;
  #count = 0;
  #next: RawDocument | undefined;

  constructor(spec: BucketAutoSpec, { scope, memory }: StageContext) {
    this.#spec = spec;
    this.#order = scope.order;
    this.#pace = new Pace(scope.turn);
    this.#budget = new MemoryBudget('$bucketAuto', memory);
    const { keyOf, compare } = valueKeys(scope.order);
    const key = (document: Uint8Array): Uint8Array => keyOf(this.#valueOf(document));
    this.#sorter = new Sorter({ key, compare }, Infinity, memory);
  }

  add(document: Uint8Array): void {
    if (this.#spec.rounder !== undefined) checkRoundable(this.#valueOf(document));
    this.#sorter.add(document);
    this.#count++;
  }

  *results(): Generator<Uint8Array | typeof PAUSE> {
    const { buckets, rounder, fields } = this.#spec;
    const size = Math.max(1, Math.round(this.#count / buckets));
    this.#advance();
    let min: RawValue | undefined;
    for (let bucket = 0; bucket < buckets && this.#next !== undefined; bucket++) {
      const share = new MemoryShare(this.#budget);
      const accumulators = fields.map(({ accumulator }) => accumulator.create(share, undefined));
      const first: RawValue = this.#next.value;
      const end = yield* this.#fill(accumulators, bucket === buckets - 1 ? Infinity : size);
      const from = min ?? rounder?.roundDown(first) ?? first;
      yield bucketDocument({ min: from, max: end }, fields, accumulators);
      share.release();
      min = rounder === undefined ? undefined : end;
    }
  }

  /** Takes `size` documents and those that stay with them; returns where the bucket ends. */
  *#fill(accumulators: readonly Accumulator[], size: number): Generator<typeof PAUSE, RawValue> {
    const { rounder } = this.#spec;
    let last: RawValue = RAW_NULL;
    let boundary: RawValue | undefined;
    for (let taken = 0; this.#next !== undefined; taken++) {
      const { value, document } = this.#next;
      if (taken >= size) {
        boundary ??= rounder?.roundUp(last);
        if (!this.#belongs(value, last, boundary)) break;
      }
      for (const accumulator of accumulators) accumulator.add(document);
      last = value;
      this.#advance();
      if (this.#pace.isOver()) yield PAUSE;
    }
    return boundary ?? rounder?.roundUp(last) ?? this.#next?.value ?? last;
  }

  close(): void {
    this.#sorter.close();
  }

  /** Values equal to the last one stay with it, and so do those below the rounded end. */
  #belongs(value: RawValue, last: RawValue, boundary: RawValue | undefined): boolean {
    const { compare } = this.#order;
    return compare(value, last) === 0 || (boundary !== undefined && compare(value, boundary) < 0);
  }

  #advance(): void {
    const document = this.#sorter.next();
    this.#next = document === undefined ? undefined : { document, value: copyValue(this.#valueOf(document)) };
  }

  #valueOf(document: Uint8Array): RawValue {
    return this.#spec.groupBy.evaluate(document) ?? RAW_NULL;
  }
}

interface RawDocument {
  readonly document: Uint8Array;
  readonly value: RawValue;
}

function bucketDocument(
  { min, max }: { readonly min: RawValue; readonly max: RawValue },
  fields: readonly AccumulatedField[],
  accumulators: readonly Accumulator[],
): Uint8Array {
  const writer = new BsonWriter().startDocument().startSubdocument('_id').value('min', min).value('max', max).end();
  for (const [i, { name }] of fields.entries()) writer.value(name, accumulators[i].result());
  return writer.endDocument().finish();
}
