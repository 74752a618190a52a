/** `$project`. */
import { CommandError, ConstantError, inContext } from '../../base/command_error.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { ExpressionScope } from '../expression.ts';
import { compileStageProjection, type Projection } from '../projection.ts';
import { MapSource } from './map_source.ts';
import type { StageKind } from './stage.ts';

export const projectStage: StageKind = {
  name: '$project',
  isOneByOne: true,
  parse(operand, { scope }) {
    if (operand.type !== BSON_TYPE.object) throw new CommandError(15969, '$project specification must be an object');
    const projection = compile(operand.bytes.slice(operand.start, operand.end), scope);
    if (projection === undefined) {
      throw new CommandError(
        51272,
        'Invalid $project :: caused by :: projection specification must have at least one field',
      );
    }
    const apply = (document: Uint8Array): Uint8Array => projection.apply(document, 0);
    return { kind: 'other', open: (source) => new MapSource(source, apply, scope.work) };
  },
};

function compile(spec: Uint8Array, scope: ExpressionScope): Projection | undefined {
  try {
    return compileStageProjection(spec, scope);
  } catch (error) {
    throw error instanceof ConstantError ? error : inContext(error, 'Invalid $project');
  }
}
