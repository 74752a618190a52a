/** `$exists`. */
import { isTruthy } from '../../bson/value.ts';
import type { FieldOperator } from './field_operator.ts';
import type { Predicate } from './predicate.ts';
import { MISSING } from './value_test.ts';

export const existsOperator: FieldOperator = {
  name: '$exists',
  parse(path, operand) {
    const exists = existence(path);
    return isTruthy(operand) ? exists : { kind: 'not', child: exists };
  },
};

/** The condition that a path leads to something. */
export function existence(path: string): Predicate {
  return { kind: 'exists', path, test: (_bytes, type) => type !== MISSING, expandArrays: true };
}
