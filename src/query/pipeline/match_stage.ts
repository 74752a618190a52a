/** `$match`. */
import { CommandError } from '../../base/command_error.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { compileFilter, type CompiledFilter, type Matcher } from '../matcher.ts';
import { PAUSE, type Source } from './source.ts';
import type { Stage, StageKind } from './stage.ts';

export const matchStage: StageKind = {
  name: '$match',
  parse(operand, { scope }) {
    if (operand.type !== BSON_TYPE.object) {
      throw new CommandError(15959, 'the match filter must be an expression in an object');
    }
    const filter = compileFilter(operand.bytes.slice(operand.start, operand.end), scope);
    return matchStageOf(filter);
  },
};

export function matchStageOf(filter: CompiledFilter): Extract<Stage, { kind: 'match' }> {
  return { kind: 'match', filter, open: (source) => new MatchSource(source, filter.matcher) };
}

/** Passes on what matches. */
export class MatchSource implements Source {
  readonly #source: Source;
  readonly #matcher: Matcher;

  constructor(source: Source, matcher: Matcher) {
    this.#source = source;
    this.#matcher = matcher;
  }

  next(): ReturnType<Source['next']> {
    for (;;) {
      const document = this.#source.next();
      if (document === undefined || document === PAUSE || this.#matcher.matches(document, 0)) return document;
    }
  }

  close(): void {
    this.#source.close();
  }
}
