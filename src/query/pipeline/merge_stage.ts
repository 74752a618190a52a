/** `$merge`: the documents are merged into a collection one by one. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import { maybeStringOf, rawObject, stringOf, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { ExpressionScope } from '../expression.ts';
import { fieldPathComponents } from '../field_path.ts';
import { itemsOf } from '../update/array_value.ts';
import { LetVariables } from './let_variables.ts';
import type { StageContext, StageKind } from './stage.ts';
import {
  checkWriteTarget,
  type MergeSpec,
  type MergeUpdate,
  type WhenMatched,
  type WhenNotMatched,
} from './write_spec.ts';

export const mergeStage: StageKind = {
  name: '$merge',
  position: 'last',
  notIn: new Set(['facet', 'lookup', 'unionWith']),
  parse(operand, context) {
    const write = parseMerge(operand, context);
    return { kind: 'write', write, open: (source) => source };
  },
};

const MATCHED: ReadonlySet<string> = new Set(['replace', 'merge', 'keepExisting', 'fail']);
const NOT_MATCHED: ReadonlySet<string> = new Set(['insert', 'discard', 'fail']);

interface MergeFields {
  into?: RawValue;
  on?: RawValue;
  whenMatched?: RawValue;
  whenNotMatched?: RawValue;
  let?: RawValue;
}

function parseMerge(operand: RawValue, context: StageContext): MergeSpec {
  const fields = fieldsOf(operand);
  if (fields.into === undefined) throw missing('into');
  const target = parseInto(fields.into, context.db);
  if (target.collection === '' || target.collection.startsWith('.')) {
    const text = `Collection names cannot start with '.': ${target.collection === '' ? '.' : target.collection}`;
    throw new CommandError('InvalidNamespace', text);
  }
  checkWriteTarget(target, { refusal: 'Cannot $merge', internalCode: 31320, specialCode: 31319 });
  const whenMatched = parseWhenMatched(fields.whenMatched);
  const whenNotMatched = parseWhenNotMatched(fields.whenNotMatched);
  checkModes(whenMatched, whenNotMatched);
  return {
    kind: 'merge',
    ...target,
    on: fields.on === undefined ? ['_id'] : parseOn(fields.on),
    collation: context.scope.order.collation,
    whenMatched,
    whenNotMatched,
    update: parseUpdate(whenMatched, fields, context.scope),
  };
}

function fieldsOf(operand: RawValue): MergeFields {
  if (operand.type === BSON_TYPE.string) return { into: operand };
  if (operand.type !== BSON_TYPE.object) {
    const type = typeAlias(operand.type);
    throw new CommandError('TypeMismatch', `$merge requires a string or object argument, but found ${type}`);
  }
  const fields: MergeFields = {};
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const name = reader.name();
    switch (name) {
      case 'into':
      case 'on':
      case 'whenMatched':
      case 'whenNotMatched':
      case 'let':
        fields[name] = reader.value();
        break;
      default:
        throw new CommandError(40415, `BSON field '$merge.${name}' is an unknown field.`);
    }
  }
  return fields;
}

function parseInto(into: RawValue, db: string): { readonly db: string; readonly collection: string } {
  if (into.type === BSON_TYPE.string) return { db, collection: stringOf(into) };
  if (into.type !== BSON_TYPE.object) {
    const type = typeAlias(into.type);
    throw new CommandError(51178, `$merge 'into' field  must be either a string or an object, but found ${type}`);
  }
  let database = db;
  let collection: string | undefined;
  const reader = new ElementReader(into.bytes, into.start);
  while (reader.next()) {
    const name = reader.name();
    if (name !== 'db' && name !== 'coll')
      throw new CommandError(40415, `BSON field 'into.${name}' is an unknown field.`);
    if (name === 'coll' && isNullish(reader)) continue;
    const text = maybeStringOf(reader);
    if (text === undefined) throw wrongType(`into.${name}`, reader.value(), 'string');
    if (name === 'db') database = text;
    else collection = text;
  }
  if (collection !== undefined && collection !== '') return { db: database, collection };
  const text = "$merge 'into' field must specify a 'coll' that is not empty, null or undefined";
  throw new CommandError(5786801, text);
}

function isNullish({ type }: ElementReader): boolean {
  return type === BSON_TYPE.null || type === BSON_TYPE.undefined;
}

function parseOn(on: RawValue): readonly string[] {
  if (on.type === BSON_TYPE.string) return [checkedPath(stringOf(on))];
  if (on.type !== BSON_TYPE.array) {
    const type = typeAlias(on.type);
    throw new CommandError(
      51186,
      `$merge 'on' field  must be either a string or an array of strings, but found ${type}`,
    );
  }
  const paths = new Set<string>();
  for (const item of itemsOf(on)) {
    const path = maybeStringOf(item);
    if (path === undefined) {
      const type = typeAlias(item.type);
      throw new CommandError(51134, `$merge 'on' array elements must be strings, but found ${type}`);
    }
    if (paths.has(path)) throw new CommandError(31465, `Found a duplicate field '${path}'`);
    paths.add(checkedPath(path));
  }
  if (paths.size > 0) return [...paths];
  throw new CommandError(51187, "If explicitly specifying $merge 'on', must include at least one field");
}

function checkedPath(path: string): string {
  fieldPathComponents(path);
  return path;
}

function parseWhenMatched(value: RawValue | undefined): WhenMatched {
  if (value === undefined) return 'merge';
  if (value.type === BSON_TYPE.array) return 'pipeline';
  const text = maybeStringOf(value);
  if (text === undefined) {
    const type = typeAlias(value.type);
    throw new CommandError(51191, `$merge 'whenMatched' field  must be either a string or an array, but found ${type}`);
  }
  return oneOf<Exclude<WhenMatched, 'pipeline'>>('whenMatched', text, MATCHED);
}

function parseWhenNotMatched(value: RawValue | undefined): WhenNotMatched {
  if (value === undefined) return 'insert';
  const text = maybeStringOf(value);
  if (text === undefined) throw wrongType('whenNotMatched', value, 'string');
  return oneOf<WhenNotMatched>('whenNotMatched', text, NOT_MATCHED);
}

function oneOf<T extends string>(field: string, text: string, allowed: ReadonlySet<string>): T {
  if (allowed.has(text)) return text as T;
  throw new CommandError('BadValue', `Enumeration value '${text}' for field '$merge.${field}' is not a valid value.`);
}

/** What keeps or refuses every match has nothing to do but insert the rest. */
function checkModes(whenMatched: WhenMatched, whenNotMatched: WhenNotMatched): void {
  if (whenNotMatched === 'insert' || (whenMatched !== 'keepExisting' && whenMatched !== 'fail')) return;
  throw new CommandError(
    51181,
    `Combination of $merge modes 'whenMatched: ${whenMatched}' and 'whenNotMatched: ${whenNotMatched}' is not supported`,
  );
}

function parseUpdate(whenMatched: WhenMatched, fields: MergeFields, scope: ExpressionScope): MergeUpdate | undefined {
  const { whenMatched: stages, let: bound } = fields;
  if (bound !== undefined && bound.type !== BSON_TYPE.object) throw wrongType('let', bound, 'object');
  if (whenMatched !== 'pipeline' || stages === undefined) {
    if (bound === undefined) return undefined;
    throw new CommandError(51199, `Cannot use 'let' variables with 'whenMatched: ${whenMatched}' mode`);
  }
  const variables = new LetVariables('$merge', withNew(bound), scope);
  return { stages, variables, scope: variables.scopeIn(scope) };
}

/** `let` with `new`, the document that is merged. */
function withNew(bound: RawValue | undefined): RawValue {
  const writer = new BsonWriter().startDocument().string('new', '$$ROOT');
  const reader = bound === undefined ? new ElementReader() : new ElementReader(bound.bytes, bound.start);
  while (reader.next()) {
    if (reader.name() !== 'new') writer.element(reader.bytes, reader.elementStart, reader.end);
    else if (maybeStringOf(reader) !== '$$ROOT') {
      const text = "'let' may not define a value for the reserved 'new' variable other than '$$ROOT'";
      throw new CommandError(51273, text);
    }
  }
  return rawObject(writer.endDocument().finish());
}

function wrongType(path: string, value: RawValue, expected: string): CommandError {
  const text = `BSON field '$merge.${path}' is the wrong type '${typeAlias(value.type)}', expected type '${expected}'`;
  return new CommandError('TypeMismatch', text);
}

function missing(name: string): CommandError {
  return new CommandError(40414, `BSON field '$merge.${name}' is missing but a required field`);
}
