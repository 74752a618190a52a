/** `$set $setOnInsert $unset $min $max`. */
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

export const minModifier = simpleModifier('$min', 'create', (operand, _path, { order }) => (target) => {
  const { value } = target;
  return value === undefined || order.compare(operand, value) < 0 ? { kind: 'set', value: operand } : KEEP;
});

export const maxModifier = simpleModifier('$max', 'create', (operand, _path, { order }) => (target) => {
  const { value } = target;
  return value === undefined || order.compare(operand, value) > 0 ? { kind: 'set', value: operand } : KEEP;
});
