/** `$match`. */
import { CommandError } from '../../base/command_error.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { Work } from '../expression/work.ts';
import type { ExpressionScope } from '../expression.ts';
import { compileFilter, type CompiledFilter, type Matcher } from '../matcher.ts';
import { MapSource } from './map_source.ts';
import type { Source } from './source.ts';
import type { Stage, StageKind } from './stage.ts';

export const matchStage: StageKind = {
  name: '$match',
  parse(operand, { scope }) {
    if (operand.type !== BSON_TYPE.object) {
      throw new CommandError(15959, 'the match filter must be an expression in an object');
    }
    const filter = compileFilter(operand.bytes.slice(operand.start, operand.end), scope);
    return matchStageOf(filter, scope);
  },
};

export function matchStageOf(filter: CompiledFilter, { work }: ExpressionScope): Extract<Stage, { kind: 'match' }> {
  return { kind: 'match', filter, open: (source) => matchSource(source, filter.matcher, work) };
}

/** Passes on what matches. */
export function matchSource(source: Source, matcher: Matcher, work: Work): Source {
  return new MapSource(source, (document) => (matcher.matches(document, 0) ? document : undefined), work);
}
