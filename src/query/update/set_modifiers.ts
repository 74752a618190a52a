/** `$set $setOnInsert $unset $min $max`. */
import { compareValues } from '../../bson/compare.ts';
import { KEEP, setTo, simpleModifier } from './leaf.ts';

export const setModifier = simpleModifier('$set', 'create', (operand) => (target) => setTo(target, operand));

export const setOnInsertModifier = simpleModifier(
  '$setOnInsert',
  'create',
  (operand) => (target) => (target.isInsert ? setTo(target, operand) : KEEP),
);

export const unsetModifier = simpleModifier(
  '$unset',
  'ignore',
  () => (target) => (target.value === undefined ? KEEP : { kind: 'remove' }),
);

export const minModifier = simpleModifier('$min', 'create', (operand) => (target) => {
  const { value } = target;
  return value === undefined || compareValues(operand, value) < 0 ? { kind: 'set', value: operand } : KEEP;
});

export const maxModifier = simpleModifier('$max', 'create', (operand) => (target) => {
  const { value } = target;
  return value === undefined || compareValues(operand, value) > 0 ? { kind: 'set', value: operand } : KEEP;
});
