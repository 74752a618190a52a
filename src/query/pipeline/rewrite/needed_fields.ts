/** Which fields of the documents a pipeline looks at, found in its stages as they are written. */
import { BSON_TYPE } from '../../../bson/types.ts';
import { isNumericType } from '../../../bson/types.ts';
import { isTruthy, stringOf, type RawValue } from '../../../bson/value.ts';
import { BsonWriter } from '../../../bson/writer.ts';
import { isBelowOneOf } from '../../path_set.ts';
import { addExpressionPaths } from './expression_paths.ts';
import { partsOf } from './match_parts.ts';
import { fieldsIn, specOf, textIn, type StageSpec } from './stage_spec.ts';

/** What one stage adds: 'all' when nothing of the document is seen behind it but what it makes. */
type Effect = 'more' | 'all' | 'anything';

/** As a projection; empty when only the number of documents matters, undefined when anything may be looked at. */
export function neededFields(stages: readonly Uint8Array[]): Uint8Array | undefined {
  const paths = pathsOf(stages.map(specOf));
  return paths && projectionOf(paths);
}

function pathsOf(stages: readonly StageSpec[]): ReadonlySet<string> | undefined {
  const paths = new Set<string>();
  for (const stage of stages) {
    const effect = addStage(stage, paths);
    if (effect === 'all') return paths;
    if (effect === 'anything') return undefined;
  }
  return undefined;
}

function addStage({ name, operand }: StageSpec, paths: Set<string>): Effect {
  switch (name) {
    case '$skip':
    case '$limit':
      return 'more';
    case '$count':
      return 'all';
    case '$sortByCount':
      return expressions([operand], paths, 'all');
    case '$match':
      return conditions(operand, paths);
    case '$sort':
      return sortKeys(operand, paths);
    case '$unwind':
      paths.add((operand.type === BSON_TYPE.string ? stringOf(operand) : (textIn(operand, 'path') ?? '')).slice(1));
      return 'more';
    case '$set':
    case '$addFields':
      return expressions(
        fieldsIn(operand).map(([, value]) => value),
        paths,
        'more',
      );
    case '$group':
      return expressions(
        fieldsIn(operand).map(([, value]) => value),
        paths,
        'all',
      );
    case '$replaceRoot':
    case '$replaceWith':
      return expressions([operand], paths, 'all');
    case '$project':
      return inclusion(operand, paths);
    case '$facet':
      return facets(operand, paths);
    default:
      return 'anything';
  }
}

function expressions(values: readonly RawValue[], paths: Set<string>, effect: Effect): Effect {
  return values.every((value) => addExpressionPaths(value, paths)) ? effect : 'anything';
}

function conditions(filter: RawValue, paths: Set<string>): Effect {
  for (const part of partsOf(filter)) {
    if (part.paths === undefined) return 'anything';
    for (const path of part.paths) paths.add(path);
  }
  return 'more';
}

function sortKeys(operand: RawValue, paths: Set<string>): Effect {
  for (const [path, value] of fieldsIn(operand)) {
    if (!isNumericType(value.type)) return 'anything';
    paths.add(path);
  }
  return 'more';
}

/** Only what is included or computed is seen behind it. */
function inclusion(operand: RawValue, paths: Set<string>): Effect {
  let includes = false;
  let keepsId = true;
  for (const [name, value] of fieldsIn(operand)) {
    const isFlag = value.type === BSON_TYPE.bool || isNumericType(value.type);
    if (isFlag && !isTruthy(value)) {
      if (name !== '_id') return 'more';
      keepsId = false;
      continue;
    }
    includes = true;
    if (isFlag) paths.add(name);
    // What is written as a document may be a deeper projection: its flags are no expressions.
    else if (value.type === BSON_TYPE.object && !isOperator(value)) return 'anything';
    else if (!addExpressionPaths(value, paths)) return 'anything';
  }
  if (keepsId) paths.add('_id');
  return includes ? 'all' : 'more';
}

function isOperator(value: RawValue): boolean {
  return fieldsIn(value)[0]?.[0].startsWith('$') ?? false;
}

function facets(operand: RawValue, paths: Set<string>): Effect {
  for (const [, pipeline] of fieldsIn(operand)) {
    const stages = fieldsIn(pipeline).map(([, stage]) => {
      const [[name, inner]] = fieldsIn(stage);
      return { name, operand: inner };
    });
    const own = pathsOf(stages);
    if (own === undefined) return 'anything';
    for (const path of own) paths.add(path);
  }
  return 'all';
}

function projectionOf(paths: ReadonlySet<string>): Uint8Array {
  const sorted = [...paths].toSorted((a, b) => (a < b ? -1 : 1));
  const shortest = sorted.filter((path) => !isBelowOneOf(path, paths));
  const writer = new BsonWriter().startDocument();
  for (const path of shortest) writer.int32(path, 1);
  if (shortest.length > 0 && !shortest.some((path) => path === '_id' || path.startsWith('_id.'))) {
    writer.int32('_id', 0);
  }
  return writer.endDocument().finish();
}
