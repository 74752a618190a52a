/** `$sample: {size}`: documents by chance, each at most once, in an order by chance. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { integerOf, type RawValue } from '../../bson/value.ts';
import { BlockingSource, type BlockingWork } from './blocking_source.ts';
import { MemoryBudget } from './memory_budget.ts';
import type { PAUSE } from './source.ts';
import type { StageKind } from './stage.ts';

export const sampleStage: StageKind = {
  name: '$sample',
  parse(operand, { random }) {
    const size = sizeOf(operand);
    return { kind: 'other', open: (source) => new BlockingSource(source, new SampleWork(size, random)) };
  },
};

function sizeOf(operand: RawValue): number {
  if (operand.type !== BSON_TYPE.object) {
    throw new CommandError(28745, 'the $sample stage specification must be an object');
  }
  let size: number | undefined;
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    if (reader.name() !== 'size') throw new CommandError(28748, `unrecognized option to $sample: ${reader.name()}`);
    if (!isNumericType(reader.type)) throw new CommandError(28746, 'size argument to $sample must be a number');
    size = Number(integerOf(reader));
    if (size <= 0) throw new CommandError(28747, 'size argument to $sample must be a positive integer');
  }
  if (size === undefined) throw new CommandError(28749, '$sample stage must specify a size');
  return size;
}

/** Keeps a fair choice of the documents seen so far. */
class SampleWork implements BlockingWork {
  readonly #size: number;
  readonly #random: () => number;
  readonly #kept: Uint8Array[] = [];
  readonly #memory = new MemoryBudget('$sample');
  #seen = 0;

  constructor(size: number, random: () => number) {
    this.#size = size;
    this.#random = random;
  }

  add(document: Uint8Array): void {
    this.#seen++;
    if (this.#kept.length < this.#size) {
      this.#memory.take(document.length);
      this.#kept.push(document);
      return;
    }
    const place = this.#below(this.#seen);
    if (place >= this.#size) return;
    this.#memory.take(document.length - this.#kept[place].length);
    this.#kept[place] = document;
  }

  *results(): Iterator<Uint8Array | typeof PAUSE> {
    const kept = this.#kept;
    for (let i = 0; i < kept.length; i++) {
      const other = i + this.#below(kept.length - i);
      [kept[i], kept[other]] = [kept[other], kept[i]];
      yield kept[i];
    }
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}
