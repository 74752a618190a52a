/** `$and $or $nor`, and the operators on whole documents that say nothing about them. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { numberOf } from '../../bson/value.ts';
import type { DocumentOperator } from './field_operator.ts';
import type { Predicate } from './predicate.ts';

function logicalOperator(name: `$${string}`, kind: 'and' | 'or' | 'nor'): DocumentOperator {
  return {
    name,
    parse(operand, parser, isTopLevel) {
      if (operand.type !== BSON_TYPE.array) throw new CommandError('BadValue', `${name} must be an array`);
      const children: Predicate[] = [];
      const reader = new ElementReader(operand.bytes, operand.start);
      while (reader.next()) {
        if (reader.type !== BSON_TYPE.object) {
          throw new CommandError('BadValue', '$or/$and/$nor entries need to be full objects');
        }
        children.push(parser.filter(reader.bytes, reader.start, isTopLevel));
      }
      if (children.length === 0) throw new CommandError('BadValue', '$and/$or/$nor must be a nonempty array');
      return { kind, children };
    },
  };
}

export const andOperator = logicalOperator('$and', 'and');
export const orOperator = logicalOperator('$or', 'or');
export const norOperator = logicalOperator('$nor', 'nor');

export const commentOperator: DocumentOperator = { name: '$comment', parse: () => undefined };

function constantOperator(name: `$${string}`, value: boolean): DocumentOperator {
  return {
    name,
    parse(operand) {
      if (!isNumericType(operand.type) || numberOf(operand) !== 1) {
        throw new CommandError('FailedToParse', `${name} must be an integer value of 1`);
      }
      return { kind: 'constant', value };
    },
  };
}

export const alwaysTrueOperator = constantOperator('$alwaysTrue', true);
export const alwaysFalseOperator = constantOperator('$alwaysFalse', false);
