/** Stages that the versioned API does not have. Source: the manual, "Stable API: Aggregation". */
import { CommandError } from '../base/command_error.ts';
import { ElementReader } from '../bson/elements.ts';
import { BSON_TYPE } from '../bson/types.ts';
import type { RawValue } from '../bson/value.ts';
import { itemsOf } from '../query/update/array_value.ts';

const OUTSIDE = new Set(['$currentOp', '$indexStats', '$listLocalSessions', '$listSessions', '$planCacheStats']);

/** Throws APIStrictError for a stage outside of API version 1, also inside other stages. */
export function checkStrictStages(stages: readonly Uint8Array[]): void {
  for (const stage of stages) {
    const reader = new ElementReader(stage);
    if (!reader.next()) continue;
    const name = reader.name();
    if (OUTSIDE.has(name)) throw outside(name);
    const operand = reader.value();
    if (operand.type !== BSON_TYPE.object) continue;
    if (name === '$collStats') checkCollStats(operand);
    else checkPipelinesIn(name, operand);
  }
}

/** Of `$collStats` only the count is in the API. */
function checkCollStats(operand: RawValue): void {
  const fields = new ElementReader(operand.bytes, operand.start);
  while (fields.next()) if (fields.name() !== 'count') throw outside(`$collStats.${fields.name()}`);
}

function checkPipelinesIn(name: string, operand: RawValue): void {
  const fields = new ElementReader(operand.bytes, operand.start);
  while (fields.next()) {
    const isPipeline = name === '$facet' || fields.name() === 'pipeline';
    if (!isPipeline || fields.type !== BSON_TYPE.array) continue;
    const documents = itemsOf(fields).filter((item) => item.type === BSON_TYPE.object);
    checkStrictStages(documents.map(({ bytes, start, end }) => bytes.subarray(start, end)));
  }
}

function outside(name: string): CommandError {
  return new CommandError('APIStrictError', `stage ${name} is not allowed with 'apiStrict: true' in API Version 1`);
}
