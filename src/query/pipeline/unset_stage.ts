/** `$unset: path` or `$unset: [paths]`. */
import { CommandError } from '../../base/command_error.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { maybeStringOf, RAW_FALSE, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { fieldPathComponents } from '../field_path.ts';
import { compileStageProjection } from '../projection.ts';
import { itemsOf } from '../update/array_value.ts';
import { MapSource } from './map_source.ts';
import type { StageKind } from './stage.ts';

export const unsetStage: StageKind = {
  name: '$unset',
  isOneByOne: true,
  parse(operand, { scope, places }) {
    const writer = new BsonWriter().startDocument();
    const paths = pathsOf(operand);
    for (const path of paths) writer.value(path, RAW_FALSE);
    const projection = compileStageProjection(writer.endDocument().finish(), scope);
    if (projection === undefined) return { kind: 'other', open: (source) => source };
    const change = places.keeping((document) => projection.apply(document, 0), { sets: [], removes: paths });
    return { kind: 'other', open: (source) => new MapSource(source, change, scope.work) };
  },
};

function pathsOf(operand: RawValue): string[] {
  const paths = operand.type === BSON_TYPE.array ? itemsOf(operand) : [operand];
  if (operand.type !== BSON_TYPE.array && operand.type !== BSON_TYPE.string) {
    throw new CommandError(31002, '$unset specification must be a string or an array');
  }
  if (paths.length === 0)
    throw new CommandError(31119, '$unset specification must be a string or an array with at least one field');
  return paths.map((path) => {
    const text = maybeStringOf(path);
    if (text === undefined)
      throw new CommandError(31120, '$unset specification must be a string or an array containing only string values');
    fieldPathComponents(text);
    return text;
  });
}
