/** What a stage that passes every document on changes of it. */
import { BSON_TYPE, isNumericType } from '../../../bson/types.ts';
import { isTruthy, stringOf, type RawValue } from '../../../bson/value.ts';
import { PathSet } from '../../path_set.ts';
import { fieldsIn, overlaps, textIn, type StageSpec } from './stage_spec.ts';

export interface StageChanges {
  /** Whether the stage leaves what is at the path as it is. */
  keeps(path: string): boolean;
  /** Fields of the top level that are copies of others, under these names. */
  readonly copies: ReadonlyMap<string, string>;
}

const NO_COPIES: ReadonlyMap<string, string> = new Map();

/** Undefined for stages that a `$match` behind them must not pass. */
export function changesOf({ name, operand }: StageSpec): StageChanges | undefined {
  switch (name) {
    case '$sort':
      return changing([]);
    case '$unset':
      return changing(textsIn(operand));
    case '$addFields':
    case '$set':
      return additions(operand);
    case '$project':
      return projection(operand);
    case '$unwind':
      return changing(unwoundPaths(operand));
    case '$lookup':
      return changing([textIn(operand, 'as') ?? '']);
    case '$graphLookup':
      return changing([textIn(operand, 'as') ?? '']);
    default:
      return undefined;
  }
}

/** Whether the stage makes one document of each, looking at nothing else. */
export function isTransformation({ name }: StageSpec): boolean {
  return TRANSFORMATIONS.has(name);
}

const TRANSFORMATIONS: ReadonlySet<string> = new Set([
  '$addFields',
  '$project',
  '$replaceRoot',
  '$replaceWith',
  '$set',
  '$unset',
]);

function changing(paths: readonly string[], copies = NO_COPIES): StageChanges {
  const changed = new PathSet(paths);
  return { keeps: (path) => !changed.touches(path), copies };
}

function textsIn(operand: RawValue): string[] {
  if (operand.type === BSON_TYPE.string) return [stringOf(operand)];
  return fieldsIn(operand).map(([, item]) => stringOf(item));
}

function unwoundPaths(operand: RawValue): string[] {
  if (operand.type === BSON_TYPE.string) return [stringOf(operand).slice(1)];
  const index = textIn(operand, 'includeArrayIndex');
  return [(textIn(operand, 'path') ?? '').slice(1), ...(index === undefined ? [] : [index])];
}

function additions(operand: RawValue): StageChanges {
  const fields = fieldsIn(operand);
  return changing(
    fields.map(([name]) => name),
    copiesIn(fields),
  );
}

/** `{b: '$a'}`: what is asked of `b` can be asked of `a`. */
function copiesIn(fields: readonly (readonly [string, RawValue])[]): ReadonlyMap<string, string> {
  const copies = new Map<string, string>();
  for (const [name, value] of fields) {
    if (value.type !== BSON_TYPE.string || name.includes('.')) continue;
    const source = /^\$([^$.]+)$/.exec(stringOf(value))?.[1];
    if (source !== undefined) copies.set(name, source);
  }
  return copies;
}

function projection(operand: RawValue): StageChanges | undefined {
  const fields = fieldsIn(operand);
  const dropped = fields.filter(([, value]) => isFlag(value) && !isTruthy(value)).map(([name]) => name);
  const isExclusion = fields.every(([name, value]) => (isFlag(value) ? name === '_id' || !isTruthy(value) : false));
  const isIdKept = fields.length === 1 && fields[0][0] === '_id' && dropped.length === 0;
  if (isExclusion && !isIdKept) return changing(dropped);
  const kept = fields.filter(([, value]) => isFlag(value) && isTruthy(value)).map(([name]) => name);
  if (!dropped.includes('_id') && !fields.some(([name]) => overlaps(name, '_id'))) kept.push('_id');
  const keptPaths = new PathSet(kept);
  return { keeps: (path) => keptPaths.covers(path), copies: copiesIn(fields) };
}

function isFlag(value: RawValue): boolean {
  return value.type === BSON_TYPE.bool || isNumericType(value.type);
}
