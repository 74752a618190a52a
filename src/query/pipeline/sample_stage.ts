/** `$sample: {size}`: documents by chance, each at most once, in an order by chance. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { compareBytes } from '../../bson/bytes.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { integerOf, type RawValue } from '../../bson/value.ts';
import { Sorter } from '../sort/sorter.ts';
import { BlockingSource, type BlockingWork } from './blocking_source.ts';
import type { PAUSE } from './source.ts';
import type { StageContext, StageKind } from './stage.ts';

/** Enough that no two documents of a collection get the same. */
const KEY_BYTES = 8;

export const sampleStage: StageKind = {
  name: '$sample',
  parse(operand, context) {
    const size = sizeOf(operand);
    return {
      kind: 'sample',
      size,
      open: (source) => new BlockingSource(source, new SampleWork(size, context), context.scope),
    };
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

/** Sorts by chance and keeps the first. */
class SampleWork implements BlockingWork {
  readonly #sorter: Sorter;
  #left: number;

  constructor(size: number, { random, memory }: StageContext) {
    const key = (): Uint8Array => {
      const bytes = new Uint8Array(KEY_BYTES);
      for (let i = 0; i < KEY_BYTES; i++) bytes[i] = Math.floor(random() * 256);
      return bytes;
    };
    this.#sorter = new Sorter({ key, compare: compareBytes }, size, memory);
    this.#left = size;
  }

  add(document: Uint8Array): void {
    this.#sorter.add(document);
  }

  *results(): Iterator<Uint8Array | typeof PAUSE> {
    for (; this.#left > 0; this.#left--) {
      const next = this.#sorter.next();
      if (next === undefined) return;
      yield next;
    }
  }

  close(): void {
    this.#sorter.close();
  }
}
