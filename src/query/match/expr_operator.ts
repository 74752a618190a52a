/** `$expr`: an expression that must be true. `$sampleRate`: a share of all documents, by chance. */
import { CommandError } from '../../base/command_error.ts';
import { documentSize } from '../../bson/elements.ts';
import { isNumericType } from '../../bson/types.ts';
import { isTruthy, numberOf } from '../../bson/value.ts';
import { compileExpression } from '../expression.ts';
import type { DocumentOperator } from './field_operator.ts';

export const exprOperator: DocumentOperator = {
  name: '$expr',
  parse(operand, { scope, isUpsert }, isTopLevel) {
    if (isUpsert) {
      throw new CommandError('QueryFeatureNotAllowed', '$expr is not allowed in the query predicate for an upsert');
    }
    if (!isTopLevel) throw new CommandError('BadValue', '$expr can only be applied to the top-level document');
    const expression = compileExpression(operand, scope);
    const { constant, isMissing } = expression;
    if (constant !== undefined || isMissing === true) {
      return { kind: 'constant', value: constant !== undefined && isTruthy(constant) };
    }
    return {
      kind: 'document',
      operator: '$expr',
      operand,
      work: scope.work,
      matches(bytes, at) {
        const size = documentSize(bytes, at);
        const whole = at === 0 && size === bytes.length ? bytes : bytes.subarray(at, at + size);
        const value = expression.evaluate(whole);
        return value !== undefined && isTruthy(value);
      },
    };
  },
};

export const sampleRateOperator: DocumentOperator = {
  name: '$sampleRate',
  parse(operand, { scope }) {
    if (!isNumericType(operand.type)) {
      throw new CommandError('BadValue', 'argument to $sampleRate must be a numeric type');
    }
    const rate = numberOf(operand);
    if (!(rate >= 0 && rate <= 1)) {
      throw new CommandError('BadValue', 'numeric argument to $sampleRate must be in [0, 1]');
    }
    if (rate === 0 || rate === 1) return { kind: 'constant', value: rate === 1 };
    const { random } = scope;
    if (random === undefined) throw new CommandError('NotImplemented', '$sampleRate is not available here');
    return { kind: 'document', operator: '$sampleRate', operand, matches: () => random() < rate };
  },
};
