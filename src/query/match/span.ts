/** A value span whose place can be set: lets tests hand a value to the comparison without allocating a view. */
import type { ValueSpan } from '../../bson/types.ts';

const NO_BYTES = new Uint8Array(0);

export class MovableSpan implements ValueSpan {
  bytes: Uint8Array = NO_BYTES;
  type = 0;
  start = 0;
  end = 0;

  set(bytes: Uint8Array, type: number, start: number, end: number): this {
    this.bytes = bytes;
    this.type = type;
    this.start = start;
    this.end = end;
    return this;
  }
}
