import { serialize } from 'bson';
import { expect, test } from 'vitest';
import { findField } from '../../bson/elements.ts';
import { fieldName } from '../../bson/bytes.ts';
import { rawObject, type RawValue } from '../../bson/value.ts';
import { BARE_SCOPE } from '../expression.ts';
import { CountOperand } from './count_operand.ts';

function operand(n: unknown): RawValue {
  const value = findField(serialize({ n }), fieldName('n'));
  if (value === undefined) throw new Error('there is an n');
  return value;
}

test('n sees the fields of the id of the group, when it is a document', () => {
  const n = new CountOperand(operand({ $cond: [{ $eq: ['$g', 'b'] }, 1, 3] }), BARE_SCOPE);
  expect(n.of(rawObject(serialize({ g: 'b' })))).toBe(1);
  expect(n.of(rawObject(serialize({ g: 'a' })))).toBe(3);
  expect(n.of(operand('b'))).toBe(3);
  expect(n.of(undefined)).toBe(3);
});
