/** `$limit` and `$skip`. */
import { CommandError } from '../../base/command_error.ts';
import { isNumericType, typeAlias } from '../../bson/types.ts';
import { integerOf, type RawValue } from '../../bson/value.ts';
import { PAUSE, type Source } from './source.ts';
import type { StageKind } from './stage.ts';

export const limitStage: StageKind = {
  name: '$limit',
  parse(operand) {
    if (!isNumericType(operand.type)) throw new CommandError(15957, 'the limit must be specified as a number');
    const count = wholeNumber(operand);
    if (count <= 0) throw new CommandError(15958, 'the limit must be positive');
    return { kind: 'limit', count, open: (source) => new LimitSource(source, count) };
  },
};

export const skipStage: StageKind = {
  name: '$skip',
  parse(operand) {
    if (!isNumericType(operand.type)) {
      throw new CommandError(15972, `Argument to $skip must be a number not a ${typeAlias(operand.type)}`);
    }
    const count = wholeNumber(operand);
    if (count < 0) throw new CommandError(15956, 'Argument to $skip cannot be negative');
    return { kind: 'skip', count, open: (source) => new SkipSource(source, count) };
  },
};

/** Fractions are cut off. */
function wholeNumber(operand: RawValue): number {
  return Number(integerOf(operand));
}

class LimitSource implements Source {
  readonly #source: Source;
  #left: number;

  constructor(source: Source, count: number) {
    this.#source = source;
    this.#left = count;
  }

  next(): ReturnType<Source['next']> {
    if (this.#left === 0) return undefined;
    const document = this.#source.next();
    if (document !== undefined && document !== PAUSE) this.#left--;
    return document;
  }

  close(): void {
    this.#source.close();
  }
}

class SkipSource implements Source {
  readonly #source: Source;
  #left: number;

  constructor(source: Source, count: number) {
    this.#source = source;
    this.#left = count;
  }

  next(): ReturnType<Source['next']> {
    for (; this.#left > 0; this.#left--) {
      const document = this.#source.next();
      if (document === undefined || document === PAUSE) return document;
    }
    return this.#source.next();
  }

  close(): void {
    this.#source.close();
  }
}
