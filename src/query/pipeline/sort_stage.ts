/** `$sort`. */
import { CommandError } from '../../base/command_error.ts';
import { PIPELINE_STAGE_SIZE_BYTES_MAX } from '../../base/limits.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { compileSort, type SortSpec } from '../sort.ts';
import { Sorter } from '../sort/sorter.ts';
import { PAUSE, type Source } from './source.ts';
import type { StageKind } from './stage.ts';

export const sortStage: StageKind = {
  name: '$sort',
  parse(operand, { scope }) {
    if (operand.type !== BSON_TYPE.object) {
      throw new CommandError(15973, 'the $sort key specification must be an object');
    }
    const spec = compileSort(operand.bytes.slice(operand.start, operand.end), scope.order);
    if (spec === undefined) throw new CommandError(15976, '$sort stage must have at least one sort key');
    return { kind: 'sort', spec, open: (source, limit) => new SortSource(source, spec, limit) };
  },
};

class SortSource implements Source {
  readonly #source: Source;
  readonly #sorter: Sorter;
  #isSorted = false;

  constructor(source: Source, spec: SortSpec, limit: number) {
    this.#source = source;
    this.#sorter = new Sorter(spec, limit);
  }

  next(): ReturnType<Source['next']> {
    while (!this.#isSorted) {
      const document = this.#source.next();
      if (document === PAUSE) return PAUSE;
      if (document === undefined) this.#isSorted = true;
      else this.#add(document);
    }
    return this.#sorter.next();
  }

  close(): void {
    this.#source.close();
  }

  #add(document: Uint8Array): void {
    this.#sorter.add(document);
    if (this.#sorter.sizeBytes <= PIPELINE_STAGE_SIZE_BYTES_MAX) return;
    throw new CommandError(
      'QueryExceededMemoryLimitNoDiskUseAllowed',
      `Sort exceeded memory limit of ${PIPELINE_STAGE_SIZE_BYTES_MAX} bytes`,
    );
  }
}
