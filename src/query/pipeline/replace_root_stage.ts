/** `$replaceRoot: {newRoot: expression}` and `$replaceWith: expression`. */
import { CommandError } from '../../base/command_error.ts';
import { copyRange } from '../../bson/bytes.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { describeValue } from '../describe.ts';
import { compileExpression, type Expression, type ExpressionScope } from '../expression.ts';
import { MapSource } from './map_source.ts';
import type { Stage, StageKind } from './stage.ts';

export const replaceRootStage: StageKind = {
  name: '$replaceRoot',
  isOneByOne: true,
  parse(operand, { scope }) {
    return replacing(compileExpression(newRootOf(operand), scope), "'newRoot' expression ", scope);
  },
};

export const replaceWithStage: StageKind = {
  name: '$replaceWith',
  isOneByOne: true,
  parse: (operand, { scope }) => replacing(compileExpression(operand, scope), "'replacement document' ", scope),
};

function newRootOf(operand: RawValue): RawValue {
  if (operand.type !== BSON_TYPE.object) {
    const type = typeAlias(operand.type);
    throw new CommandError(40229, `expected an object as specification for $replaceRoot stage, got ${type}`);
  }
  let newRoot: RawValue | undefined;
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    if (reader.name() !== 'newRoot') {
      throw new CommandError(40415, `BSON field '$replaceRoot.${reader.name()}' is an unknown field.`);
    }
    newRoot = reader.value();
  }
  if (newRoot === undefined) {
    throw new CommandError(40414, "BSON field '$replaceRoot.newRoot' is missing but a required field");
  }
  return newRoot;
}

function replacing(expression: Expression, what: string, { work }: ExpressionScope): Stage {
  const replace = (document: Uint8Array): Uint8Array => {
    const value = expression.evaluate(document);
    if (value?.type === BSON_TYPE.object) return copyRange(value.bytes, value.start, value.end);
    const shown = value === undefined ? 'MISSING' : describeValue(value);
    const type = value === undefined ? 'missing' : typeAlias(value.type);
    throw new CommandError(
      40228,
      `${what}must evaluate to an object, but resulting value ` + `was: ${shown}. Type of resulting value: '${type}'.`,
    );
  };
  return { kind: 'other', open: (source) => new MapSource(source, replace, work) };
}
