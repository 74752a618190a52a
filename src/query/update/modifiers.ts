/** Every modifier of updates. A new one is a file and a row here. */
import { addToSetModifier } from './add_to_set_modifier.ts';
import { incModifier, mulModifier } from './arithmetic_modifiers.ts';
import { bitModifier } from './bit_modifier.ts';
import { currentDateModifier } from './current_date_modifier.ts';
import type { Modifier } from './leaf.ts';
import { popModifier, pullAllModifier, pullModifier } from './pull_modifiers.ts';
import { pushModifier } from './push_modifier.ts';
import { renameModifier } from './rename_modifier.ts';
import { maxModifier, minModifier, setModifier, setOnInsertModifier, unsetModifier } from './set_modifiers.ts';

const MODIFIERS: readonly Modifier[] = [
  addToSetModifier,
  bitModifier,
  currentDateModifier,
  incModifier,
  maxModifier,
  minModifier,
  mulModifier,
  popModifier,
  pullAllModifier,
  pullModifier,
  pushModifier,
  renameModifier,
  setModifier,
  setOnInsertModifier,
  unsetModifier,
];

export const MODIFIER_BY_NAME: ReadonlyMap<string, Modifier> = new Map(
  MODIFIERS.map((modifier) => [modifier.name, modifier]),
);
