/** `$sort`. */
import { CommandError } from '../../base/command_error.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { compileSort, type SortSpec } from '../sort.ts';
import { Sorter } from '../sort/sorter.ts';
import type { StageMemory } from './memory_budget.ts';
import { Pace, type TurnTime } from '../pace.ts';
import { PAUSE, type Source } from './source.ts';
import type { StageKind } from './stage.ts';

export const sortStage: StageKind = {
  name: '$sort',
  parse(operand, { scope, memory }) {
    if (operand.type !== BSON_TYPE.object) {
      throw new CommandError(15973, 'the $sort key specification must be an object');
    }
    const spec = compileSort(operand.bytes.slice(operand.start, operand.end), scope.order, scope);
    if (spec === undefined) throw new CommandError(15976, '$sort stage must have at least one sort key');
    return {
      kind: 'sort',
      spec,
      open: (source, limit) => new SortSource(source, spec, { limit, memory, turn: scope.turn }),
    };
  },
};

interface SortSettings {
  readonly limit: number;
  readonly memory: StageMemory;
  readonly turn: TurnTime;
}

class SortSource implements Source {
  readonly #source: Source;
  readonly #sorter: Sorter;
  readonly #pace: Pace;
  #isSorted = false;

  constructor(source: Source, spec: SortSpec, how: SortSettings) {
    this.#source = source;
    this.#pace = new Pace(how.turn);
    this.#sorter = new Sorter(spec, how.limit, how.memory);
  }

  next(): ReturnType<Source['next']> {
    while (!this.#isSorted) {
      const document = this.#source.next();
      if (document === PAUSE) return PAUSE;
      if (document === undefined) this.#isSorted = true;
      else this.#sorter.add(document);
    }
    return this.#pace.isOver() ? PAUSE : this.#sorter.next();
  }

  close(): void {
    this.#source.close();
    this.#sorter.close();
  }
}
