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
import type { AccumulatedField } from './accumulated_fields.ts';
import { BlockingSource, type BlockingWork } from './blocking_source.ts';
import { countField, outputOf } from './bucket_stage.ts';
import { checkRoundable, rounderOf, type Rounder } from './granularity.ts';
import { MemoryBudget } from './memory_budget.ts';
import type { StageKind } from './stage.ts';

interface BucketAutoSpec {
  readonly groupBy: Expression;
  readonly buckets: number;
  readonly fields: readonly AccumulatedField[];
  readonly rounder: Rounder | undefined;
}

export const bucketAutoStage: StageKind = {
  name: '$bucketAuto',
  parse(operand, { scope }) {
    const spec = parseSpec(operand, scope);
    return { kind: 'other', open: (source) => new BlockingSource(source, new BucketAutoWork(spec, scope)) };
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

interface Entry {
  readonly value: RawValue;
  readonly document: Uint8Array;
}

class BucketAutoWork implements BlockingWork {
  readonly #spec: BucketAutoSpec;
  readonly #scope: ExpressionScope;
  readonly #memory = new MemoryBudget('$bucketAuto');
  #entries: Entry[] = [];
  #at = 0;

  constructor(spec: BucketAutoSpec, scope: ExpressionScope) {
    this.#spec = spec;
    this.#scope = scope;
  }

  add(document: Uint8Array): void {
    const value = copyValue(this.#spec.groupBy.evaluate(document) ?? RAW_NULL);
    if (this.#spec.rounder !== undefined) checkRoundable(value);
    this.#memory.take(document.length + value.end);
    this.#entries.push({ value, document });
  }

  *results(): Iterator<Uint8Array> {
    const { order } = this.#scope;
    const { buckets, rounder } = this.#spec;
    const entries = this.#entries.toSorted((a, b) => order.compare(a.value, b.value));
    this.#entries = entries;
    const size = Math.max(1, Math.round(entries.length / buckets));
    let min: RawValue | undefined;
    for (let bucket = 0; bucket < buckets && this.#at < entries.length; bucket++) {
      const from = this.#at;
      const first = entries[from].value;
      this.#take(bucket === buckets - 1 ? entries.length : from + size);
      const last = entries[this.#at - 1].value;
      let max = entries[this.#at]?.value ?? last;
      if (rounder !== undefined) {
        min ??= rounder.roundDown(first);
        max = this.#roundedEnd(rounder, last);
      }
      yield this.#bucket(min ?? first, max, entries.slice(from, this.#at));
      min = rounder === undefined ? undefined : max;
    }
  }

  /** Up to `end`, and on while values are equal. */
  #take(end: number): void {
    const { order } = this.#scope;
    const entries = this.#entries;
    this.#at = Math.min(end, entries.length);
    while (this.#at < entries.length && order.compare(entries[this.#at].value, entries[this.#at - 1].value) === 0)
      this.#at++;
  }

  /** The boundary above the last value; what is below it belongs to the bucket, too. */
  #roundedEnd(rounder: Rounder, last: RawValue): RawValue {
    const { order } = this.#scope;
    const boundary = rounder.roundUp(last);
    while (this.#at < this.#entries.length && order.compare(this.#entries[this.#at].value, boundary) < 0) this.#at++;
    return boundary;
  }

  #bucket(min: RawValue, max: RawValue, entries: readonly Entry[]): Uint8Array {
    const { fields } = this.#spec;
    const accumulators = fields.map(({ accumulator }) => accumulator.create(this.#memory, undefined));
    for (const { document } of entries) for (const accumulator of accumulators) accumulator.add(document);
    const writer = new BsonWriter().startDocument().startSubdocument('_id').value('min', min).value('max', max).end();
    for (const [i, { name }] of fields.entries()) writer.value(name, accumulators[i].result());
    return writer.endDocument().finish();
  }
}
