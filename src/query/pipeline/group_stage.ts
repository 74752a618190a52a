/** `$group`. Groups come out in the order of their first documents. */
import { CommandError } from '../../base/command_error.ts';
import { PIPELINE_GROUPS_MAX } from '../../base/limits.ts';
import { ElementReader } from '../../bson/elements.ts';
import { KeyWriter } from '../../bson/key.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { copyValue, numberOf, RAW_NULL, rawInt32, rawObject, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { Accumulator, AccumulatorKind } from '../accumulator/accumulator.ts';
import { ACCUMULATOR_BY_NAME, UNBUILT_ACCUMULATORS } from '../accumulator/accumulators.ts';
import { compileExpression, constantExpression, type Expression } from '../expression.ts';
import { keyText } from '../key_text.ts';
import { countingStage, rawCount } from './count_stage.ts';
import { PAUSE, type Source } from './source.ts';
import type { Stage, StageKind } from './stage.ts';

interface GroupField {
  readonly name: string;
  readonly kind: AccumulatorKind;
  readonly expression: Expression;
}

interface GroupSpec {
  readonly id: Expression;
  readonly fields: readonly GroupField[];
}

export const groupStage: StageKind = {
  name: '$group',
  parse(operand) {
    if (operand.type !== BSON_TYPE.object) {
      throw new CommandError(15947, "a group's fields must be specified in an object");
    }
    const spec = parseSpec(operand);
    return countingForm(spec) ?? { kind: 'other', open: (source) => new GroupSource(source, spec) };
  },
};

/** `{_id: constant, n: {$sum: 1}}` counts, and storage may know the number. */
function countingForm({ id, fields }: GroupSpec): Stage | undefined {
  const [field] = fields;
  if (field === undefined || fields.length !== 1 || id.constant === undefined) return undefined;
  const one = field.expression.constant;
  const counts = field.kind.name === '$sum' && one?.type === BSON_TYPE.int32 && numberOf(one) === 1;
  if (!counts) return undefined;
  const value = id.constant;
  return countingStage((count) =>
    new BsonWriter().startDocument().value('_id', value).value(field.name, rawCount(count)).endDocument().finish(),
  );
}

function parseSpec(operand: RawValue): GroupSpec {
  let id: Expression | undefined;
  const fields: GroupField[] = [];
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    if (reader.name() !== '_id') fields.push(parseField(reader));
    else if (id !== undefined) throw new CommandError(15948, "a group's _id may only be specified once");
    else id = compileId(reader.value());
  }
  if (id === undefined) throw new CommandError(15955, 'a group specification must include an _id');
  return { id, fields };
}

/** In a document with one field that field is null when it is missing. Source: recorded replies of MongoDB. */
function compileId(operand: RawValue): Expression {
  const reader = new ElementReader(operand.bytes, operand.start);
  const isDocument = operand.type === BSON_TYPE.object && reader.next() && !reader.name().startsWith('$');
  if (!isDocument) return compileExpression(operand);
  const name = reader.name();
  const inner = reader.value();
  const whole = compileExpression(operand);
  if (reader.next() || whole.constant !== undefined) return whole;
  const field = compileExpression(inner);
  return {
    constant: undefined,
    evaluate: (root) =>
      rawObject(
        new BsonWriter()
          .startDocument()
          .value(name, field.evaluate(root) ?? RAW_NULL)
          .endDocument()
          .finish(),
      ),
  };
}

function parseField(reader: ElementReader): GroupField {
  const name = reader.name();
  if (name.includes('.')) throw new CommandError(40235, `The field name '${name}' cannot contain '.'`);
  if (name.startsWith('$')) throw new CommandError(40236, `The field name '${name}' cannot be an operator name`);
  if (reader.type !== BSON_TYPE.object) {
    throw new CommandError(40234, `The field '${name}' must be an accumulator object`);
  }
  const inner = new ElementReader(reader.bytes, reader.start);
  if (!inner.next()) throw new CommandError(40234, `The field '${name}' must be an accumulator object`);
  const operator = inner.name();
  const operand = inner.value();
  if (inner.next()) throw new CommandError(40238, `The field '${name}' must specify one accumulator`);
  return { name, ...parseAccumulator(operator, operand) };
}

function parseAccumulator(name: string, operand: RawValue): Omit<GroupField, 'name'> {
  if (name === '$count') return countAccumulator(operand);
  const kind = ACCUMULATOR_BY_NAME.get(name);
  if (kind === undefined) throw unknownAccumulator(name);
  if (operand.type === BSON_TYPE.array) throw new CommandError(40237, `The ${name} accumulator is a unary operator`);
  return { kind, expression: compileExpression(operand) };
}

function unknownAccumulator(name: string): CommandError {
  return UNBUILT_ACCUMULATORS.has(name)
    ? new CommandError('NotImplemented', `the accumulator ${name} is not implemented`)
    : new CommandError(15952, `unknown group operator '${name}'`);
}

/** `$count: {}` is `$sum: 1`. */
function countAccumulator(operand: RawValue): Omit<GroupField, 'name'> {
  const kind = ACCUMULATOR_BY_NAME.get('$sum');
  const isEmpty = operand.type === BSON_TYPE.object && operand.end - operand.start === 5;
  if (kind === undefined || !isEmpty) {
    throw new CommandError('TypeMismatch', '$count takes no arguments, i.e. $count:{}');
  }
  return { kind, expression: constantExpression(rawInt32(1)) };
}

interface Group {
  readonly id: RawValue;
  readonly accumulators: readonly Accumulator[];
}

class GroupSource implements Source {
  readonly #source: Source;
  readonly #spec: GroupSpec;
  readonly #groups = new Map<string, Group>();
  readonly #keys = new KeyWriter();
  readonly #writer = new BsonWriter();
  #results: Iterator<Group> | undefined;

  constructor(source: Source, spec: GroupSpec) {
    this.#source = source;
    this.#spec = spec;
  }

  next(): ReturnType<Source['next']> {
    while (this.#results === undefined) {
      const document = this.#source.next();
      if (document === PAUSE) return PAUSE;
      if (document === undefined) this.#results = this.#groups.values();
      else this.#add(document);
    }
    const group = this.#results.next();
    return group.done === true ? undefined : this.#document(group.value);
  }

  close(): void {
    this.#source.close();
  }

  #add(document: Uint8Array): void {
    const { fields, id } = this.#spec;
    const { accumulators } = this.#groupOf(id.evaluate(document) ?? RAW_NULL);
    for (let i = 0; i < fields.length; i++) accumulators[i].add(fields[i].expression.evaluate(document));
  }

  #groupOf(id: RawValue): Group {
    const key = keyText(this.#keys.reset().append(id).finish());
    const existing = this.#groups.get(key);
    if (existing !== undefined) return existing;
    if (this.#groups.size >= PIPELINE_GROUPS_MAX) {
      throw new CommandError('QueryExceededMemoryLimitNoDiskUseAllowed', '$group exceeded its limit of groups');
    }
    const group = { id: copyValue(id), accumulators: this.#spec.fields.map(({ kind }) => kind.create()) };
    this.#groups.set(key, group);
    return group;
  }

  #document(group: Group): Uint8Array {
    const writer = this.#writer.reset().startDocument().value('_id', group.id);
    for (const [i, { name }] of this.#spec.fields.entries()) writer.value(name, group.accumulators[i].result());
    return writer.endDocument().finish();
  }
}
