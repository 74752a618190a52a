/** `$bucket`: groups by ranges between given boundaries, the lower one included. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, canonicalType, typeAlias } from '../../bson/types.ts';
import { rawInt32, stringOf, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { describeValue } from '../describe.ts';
import { compileExpression, type Expression, type ExpressionScope } from '../expression.ts';
import { itemsOf } from '../update/array_value.ts';
import { parseAccumulatedField, type AccumulatedField } from './accumulated_fields.ts';
import { BlockingSource, type BlockingWork } from './blocking_source.ts';
import { GroupWork } from './group_work.ts';
import { compileSort } from '../sort.ts';
import { Sorter } from '../sort/sorter.ts';
import type { StageContext, StageKind } from './stage.ts';
import { PAUSE } from './source.ts';

interface BucketSpec {
  readonly groupBy: Expression;
  /** Ascending. */
  readonly boundaries: readonly RawValue[];
  readonly fallback: RawValue | undefined;
  readonly fields: readonly AccumulatedField[];
}

const BY_ID = new BsonWriter().startDocument().int32('_id', 1).endDocument().finish();

export const bucketStage: StageKind = {
  name: '$bucket',
  parse(operand, context) {
    const { scope } = context;
    const spec = parseSpec(operand, scope);
    const id: Expression = { constant: undefined, evaluate: (root) => bucketOf(spec, root, scope) };
    return {
      kind: 'other',
      open: (source) => new BlockingSource(source, new BucketWork(id, spec, context), context.scope),
    };
  },
};

/** Groups in the order of their ids. */
class BucketWork implements BlockingWork {
  readonly #groups: GroupWork;
  readonly #sorter: Sorter | undefined;

  constructor(id: Expression, { fields }: BucketSpec, { scope, memory }: StageContext) {
    const spec = { id, fields, turn: scope.turn, keyOf: (value: RawValue) => scope.order.keyOf(value) };
    this.#groups = new GroupWork('$bucket', spec, memory);
    const sort = compileSort(BY_ID, scope.order);
    this.#sorter = sort === undefined ? undefined : new Sorter(sort, Infinity, memory);
  }

  add(document: Uint8Array): void {
    this.#groups.add(document);
  }

  *results(): Iterator<Uint8Array | typeof PAUSE> {
    const sorter = this.#sorter;
    if (sorter === undefined) return;
    for (const group of this.#groups.results()) {
      if (group === PAUSE) yield PAUSE;
      else sorter.add(group);
    }
    for (let next = sorter.next(); next !== undefined; next = sorter.next()) yield next;
  }

  close(): void {
    this.#groups.close();
    this.#sorter?.close();
  }
}

function bucketOf({ groupBy, boundaries, fallback }: BucketSpec, root: Uint8Array, scope: ExpressionScope): RawValue {
  const { order } = scope;
  const value = groupBy.evaluate(root);
  if (value !== undefined && order.compare(value, boundaries[0]) >= 0) {
    for (let i = 1; i < boundaries.length; i++) if (order.compare(value, boundaries[i]) < 0) return boundaries[i - 1];
  }
  if (fallback !== undefined) return fallback;
  throw new CommandError(
    40066,
    '$switch could not find a matching branch for an input, and ' + 'no default was specified.',
  );
}

function parseSpec(operand: RawValue, scope: ExpressionScope): BucketSpec {
  if (operand.type !== BSON_TYPE.object) {
    const type = typeAlias(operand.type);
    throw new CommandError(40201, `Argument to $bucket stage must be an object, but found type: ${type}.`);
  }
  let groupBy: Expression | undefined;
  let boundaries: RawValue[] | undefined;
  let fallback: RawValue | undefined;
  let fields: AccumulatedField[] | undefined;
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const name = reader.name();
    if (name === 'groupBy') groupBy = groupByOf(reader.value(), scope);
    else if (name === 'boundaries') boundaries = boundariesOf(reader.value(), scope);
    else if (name === 'default') fallback = constantOf(reader.value(), scope, () => badDefault(reader.value()));
    else if (name === 'output') fields = outputOf('$bucket', 40196, reader.value(), scope);
    else throw new CommandError(40197, `Unrecognized option to $bucket: ${name}.`);
  }
  if (groupBy === undefined || boundaries === undefined) {
    throw new CommandError(40198, "$bucket requires 'groupBy' and 'boundaries' to be specified.");
  }
  checkOrder(boundaries, fallback, scope);
  return { groupBy, boundaries, fallback, fields: fields ?? [countField(scope)] };
}

function groupByOf(value: RawValue, scope: ExpressionScope): Expression {
  const isExpression =
    value.type === BSON_TYPE.object || (value.type === BSON_TYPE.string && stringOf(value).startsWith('$'));
  if (!isExpression) {
    throw new CommandError(
      40202,
      `The $bucket 'groupBy' field must be defined as a $-prefixed path or an expression, but found: ${describeValue(value)}.`,
    );
  }
  return compileExpression(value, scope);
}

function boundariesOf(value: RawValue, scope: ExpressionScope): RawValue[] {
  if (value.type !== BSON_TYPE.array) {
    const type = typeAlias(value.type);
    throw new CommandError(40200, `The $bucket 'boundaries' field must be an array, but found type: ${type}.`);
  }
  const boundaries = itemsOf(value).map((item) =>
    constantOf(item, scope, () => {
      const shown = describeValue(item);
      return new CommandError(
        40191,
        `The $bucket 'boundaries' field must be an array of constant values, but found value: ${shown}.`,
      );
    }),
  );
  if (boundaries.length < 2) {
    throw new CommandError(
      40192,
      `The $bucket 'boundaries' field must have at least 2 values, but found ${boundaries.length} value(s).`,
    );
  }
  return boundaries;
}

function checkOrder(boundaries: readonly RawValue[], fallback: RawValue | undefined, { order }: ExpressionScope): void {
  for (let i = 1; i < boundaries.length; i++) {
    const [lower, upper] = [boundaries[i - 1], boundaries[i]];
    if (canonicalType(lower.type) !== canonicalType(upper.type)) {
      throw new CommandError(
        40193,
        "All values in the the 'boundaries' option to $bucket must have the same type. Found conflicting types " +
          `${typeAlias(lower.type)} and ${typeAlias(upper.type)}.`,
      );
    }
    if (order.compare(lower, upper) < 0) continue;
    throw new CommandError(
      40194,
      `The 'boundaries' option to $bucket must be sorted, but elements ${i - 1} and ${i} are not in ascending order ` +
        `(${describeValue(lower)} is not less than ${describeValue(upper)}).`,
    );
  }
  if (fallback === undefined) return;
  const [lowest] = boundaries;
  const highest = boundaries.at(-1) ?? lowest;
  if (order.compare(fallback, lowest) >= 0 && order.compare(fallback, highest) < 0) {
    throw new CommandError(
      40199,
      "The $bucket 'default' field must be less than the lowest boundary or greater than or equal to the highest boundary.",
    );
  }
}

function badDefault(value: RawValue): CommandError {
  const shown = describeValue(value);
  return new CommandError(40195, `The $bucket 'default' field must be a constant expression, but found: ${shown}.`);
}

function constantOf(value: RawValue, scope: ExpressionScope, error: () => CommandError): RawValue {
  const { constant } = compileExpression(value, scope);
  if (constant === undefined) throw error();
  return constant;
}

/** The fields of `output`. */
export function outputOf(stage: string, code: number, value: RawValue, scope: ExpressionScope): AccumulatedField[] {
  if (value.type !== BSON_TYPE.object) {
    throw new CommandError(
      code,
      `The ${stage} 'output' field must be an object, but found type: ${typeAlias(value.type)}.`,
    );
  }
  const fields: AccumulatedField[] = [];
  const reader = new ElementReader(value.bytes, value.start);
  while (reader.next()) fields.push(parseAccumulatedField(reader, scope));
  return fields;
}

/** What is counted when there is no `output`. */
export function countField(scope: ExpressionScope): AccumulatedField {
  const writer = new BsonWriter().startDocument().startSubdocument('count').value('$sum', rawInt32(1)).end();
  const reader = new ElementReader(writer.endDocument().finish());
  reader.next();
  return parseAccumulatedField(reader, scope);
}
