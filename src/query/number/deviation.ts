/** Standard deviation, updated value by value (Welford). Always in doubles. */
import type { ValueSpan } from '../../bson/types.ts';
import { numberOf } from '../../bson/value.ts';

export class Deviation {
  #count = 0;
  #mean = 0;
  /** Sum of the squared distances from the mean. */
  #squares = 0;

  /** `value` is a number. */
  add(value: ValueSpan): void {
    const number = numberOf(value);
    this.#count++;
    const distance = number - this.#mean;
    this.#mean += distance / this.#count;
    this.#squares += distance * (number - this.#mean);
  }

  /** Of the population or of a sample; undefined when there are too few values. */
  result(isSample: boolean): number | undefined {
    const count = isSample ? this.#count - 1 : this.#count;
    return count <= 0 ? undefined : Math.sqrt(this.#squares / count);
  }
}
