/** `$count: name`, and the source that counts for `$group` as well. */
import { CommandError } from '../../base/command_error.ts';
import { maybeStringOf, rawInt32, rawInt64, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { PAUSE, type Source } from './source.ts';
import type { Stage, StageKind } from './stage.ts';

export const countStage: StageKind = {
  name: '$count',
  parse(operand) {
    const name = maybeStringOf(operand);
    if (name === undefined) throw new CommandError(40156, 'the count field must be a non-empty string');
    if (name === '') throw new CommandError(40157, 'the count field must be a non-empty string');
    if (name.startsWith('$')) throw new CommandError(40158, 'the count field cannot be a $-prefixed path');
    if (name.includes('\0')) throw new CommandError(40159, 'the count field cannot contain a null byte');
    if (name.includes('.')) throw new CommandError(40160, "the count field cannot contain '.'");
    return countingStage((count) =>
      new BsonWriter().startDocument().value(name, rawCount(count)).endDocument().finish(),
    );
  },
};

/** A stage that needs nothing of the documents but their number. No documents give no result. */
export function countingStage(resultOf: (count: number) => Uint8Array): Stage {
  const result = (count: number): Uint8Array | undefined => (count === 0 ? undefined : resultOf(count));
  return { kind: 'count', result, open: (source) => new CountSource(source, result) };
}

/** int32 when it fits. */
export function rawCount(count: number): RawValue {
  return count === (count | 0) ? rawInt32(count) : rawInt64(BigInt(count));
}

class CountSource implements Source {
  readonly #source: Source;
  readonly #result: (count: number) => Uint8Array | undefined;
  #count = 0;
  #isDone = false;

  constructor(source: Source, result: (count: number) => Uint8Array | undefined) {
    this.#source = source;
    this.#result = result;
  }

  next(): ReturnType<Source['next']> {
    while (!this.#isDone) {
      const document = this.#source.next();
      if (document === PAUSE) return PAUSE;
      if (document === undefined) {
        this.#isDone = true;
        return this.#result(this.#count);
      }
      this.#count++;
    }
    return undefined;
  }

  close(): void {
    this.#source.close();
  }
}
