/** Which collections a pipeline reads besides its own, found without compiling it. */
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { maybeStringOf, type RawValue } from '../../bson/value.ts';
import { itemsOf } from '../update/array_value.ts';

/** Names of collections of the same database, in the order they appear; one may come twice. */
export function foreignCollectionNames(stages: readonly Uint8Array[]): string[] {
  const names: string[] = [];
  for (const stage of stages) {
    const reader = new ElementReader(stage);
    while (reader.next()) addStage(reader.name(), reader.value(), names);
  }
  return names;
}

function addStage(name: string, operand: RawValue, names: string[]): void {
  switch (name) {
    case '$lookup':
    case '$graphLookup':
      addField(operand, 'from', names);
      addPipeline(fieldOf(operand, 'pipeline'), names);
      return;
    case '$unionWith':
      if (operand.type === BSON_TYPE.string) add(operand, names);
      else addField(operand, 'coll', names);
      addPipeline(fieldOf(operand, 'pipeline'), names);
      return;
    case '$facet':
      if (operand.type !== BSON_TYPE.object) return;
      for (const pipeline of itemsOf(operand)) addPipeline(pipeline, names);
  }
}

function addPipeline(pipeline: RawValue | undefined, names: string[]): void {
  if (pipeline?.type !== BSON_TYPE.array) return;
  const stages = itemsOf(pipeline).filter((stage) => stage.type === BSON_TYPE.object);
  names.push(...foreignCollectionNames(stages.map((stage) => stage.bytes.subarray(stage.start, stage.end))));
}

function addField(operand: RawValue, name: string, names: string[]): void {
  const value = fieldOf(operand, name);
  if (value !== undefined) add(value, names);
}

function add(value: RawValue, names: string[]): void {
  const name = maybeStringOf(value);
  if (name !== undefined) names.push(name);
}

function fieldOf(operand: RawValue, name: string): RawValue | undefined {
  if (operand.type !== BSON_TYPE.object) return undefined;
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) if (reader.name() === name) return reader.value();
  return undefined;
}
