/** `$inc` and `$mul`. */
import { CommandError } from '../../base/command_error.ts';
import { equalValues } from '../../bson/compare.ts';
import { BSON_TYPE, isNumericType, typeAlias, type ValueSpan } from '../../bson/types.ts';
import { numberOf, rawInt32, type RawValue } from '../../bson/value.ts';
import { describeElement, describeValue } from '../describe.ts';
import { addNumbers, multiplyNumbers } from '../number/arithmetic.ts';
import { describeId } from './document_id.ts';
import { KEEP, simpleModifier, type LeafTarget, type Modifier } from './leaf.ts';

interface Arithmetic {
  readonly name: `$${string}`;
  readonly verb: string;
  readonly operate: (a: ValueSpan, b: ValueSpan) => RawValue | undefined;
  /** The result for a field that is missing. */
  readonly ofMissing: (operand: RawValue) => RawValue;
}

export const incModifier = arithmeticModifier({
  name: '$inc',
  verb: 'increment',
  operate: addNumbers,
  ofMissing: (operand) => operand,
});

export const mulModifier = arithmeticModifier({
  name: '$mul',
  verb: 'multiply',
  operate: multiplyNumbers,
  ofMissing: (operand) => multiplyNumbers(rawInt32(0), operand) ?? operand,
});

function arithmeticModifier(arithmetic: Arithmetic): Modifier {
  return simpleModifier(arithmetic.name, 'create', (operand, path) => {
    if (!isNumericType(operand.type)) {
      const shown = describeElement(path, operand);
      throw new CommandError('TypeMismatch', `Cannot ${arithmetic.verb} with non-numeric argument: {${shown}}`);
    }
    return (target) => {
      if (target.value === undefined) return { kind: 'set', value: arithmetic.ofMissing(operand) };
      refuseNonNumeric(arithmetic.name, target, target.value);
      const result = arithmetic.operate(target.value, operand);
      if (result === undefined) throw overflow(arithmetic.name, target, target.value);
      return isSameNumber(target.value, result) ? KEEP : { kind: 'set', value: result };
    };
  });
}

/** Of one type and equal: 0.0 stays -0.0 and 1.50 stays 1.5, while NaN is never the same. */
function isSameNumber(a: RawValue, b: RawValue): boolean {
  return a.type === b.type && !Number.isNaN(numberOf(b)) && equalValues(a, b);
}

function refuseNonNumeric(name: string, target: LeafTarget, value: RawValue): void {
  if (isNumericType(value.type)) return;
  throw new CommandError(
    'TypeMismatch',
    `Cannot apply ${name} to a value of non-numeric type. {${describeId(target.document)}} has the field ` +
      `'${target.field}' of non-numeric type ${typeAlias(value.type)}`,
  );
}

function overflow(name: string, target: LeafTarget, value: RawValue): CommandError {
  const kind = value.type === BSON_TYPE.int32 ? 'NumberInt' : 'NumberLong';
  return new CommandError(
    'BadValue',
    `Failed to apply ${name} operations to current value ((${kind})${describeValue(value)}) ` +
      `for document {${describeId(target.document)}}`,
  );
}
