/** Cuts a stream into messages by the length each begins with. */
import { MESSAGE_SIZE_BYTES_MAX } from '../base/limits.ts';
import { int32At } from '../bson/bytes.ts';
import { HEADER_BYTES, WireError } from './message.ts';

const LENGTH_BYTES = 4;

/**
 * Feed chunks with `push`, take whole messages with `next` until it returns undefined. Every byte is copied once, out of
 * the chunk: messages that came whole share an array, one that is spread over several chunks is put together in its own.
 */
export class MessageFramer {
  /** Whole messages that were not taken yet, from #head on. */
  #messages: Uint8Array[] = [];
  #head = 0;
  /** The message that is coming in, and how much of it is there. */
  #partial: Uint8Array | undefined;
  #filled = 0;
  /** The beginning of a length, when the stream was cut in it. */
  readonly #length = new Uint8Array(LENGTH_BYTES);
  #lengthFilled = 0;
  #pendingBytes = 0;
  /** The stream cannot be read any further. */
  #fault: WireError | undefined;

  /** The chunk may change after the call. */
  push(chunk: Uint8Array): void {
    if (this.#fault !== undefined) return;
    this.#pendingBytes += chunk.length;
    let at = 0;
    while (at < chunk.length && this.#fault === undefined) {
      if (this.#partial !== undefined) at = this.#fill(this.#partial, chunk, at);
      else if (this.#lengthFilled > 0 || chunk.length - at < LENGTH_BYTES) at = this.#takeLength(chunk, at);
      else at = this.#takeMessages(chunk, at);
    }
  }

  /** Bytes received and not yet handed out. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** The next whole message, or undefined until more is pushed. Throws WireError when the next length cannot be one. */
  next(): Uint8Array | undefined {
    if (this.#head === this.#messages.length) {
      if (this.#fault !== undefined) throw this.#fault;
      return undefined;
    }
    const message = this.#messages[this.#head];
    this.#head += 1;
    this.#pendingBytes -= message.length;
    if (this.#head === this.#messages.length) this.#forgetTaken();
    return message;
  }

  #forgetTaken(): void {
    this.#head = 0;
    if (this.#messages.length === 1) this.#messages.pop();
    else this.#messages = [];
  }

  /** Takes all whole messages from `at` on, and begins the one after them. Returns where it came to. */
  #takeMessages(chunk: Uint8Array, at: number): number {
    let end = at;
    let size = 0;
    while (chunk.length - end >= LENGTH_BYTES) {
      size = this.#checkedSize(chunk, end);
      if (size === 0 || chunk.length - end < size) break;
      end += size;
    }
    if (end > at) this.#cut(chunk.slice(at, end));
    if (this.#fault !== undefined || chunk.length - end < LENGTH_BYTES) return end;
    return this.#fill(this.#begin(size), chunk, end);
  }

  /** `run` is nothing but whole messages. */
  #cut(run: Uint8Array): void {
    let start = 0;
    while (start < run.length) {
      const end = start + int32At(run, start);
      this.#messages.push(start === 0 && end === run.length ? run : run.subarray(start, end));
      start = end;
    }
  }

  #begin(size: number): Uint8Array {
    const message = new Uint8Array(size);
    this.#partial = message;
    this.#filled = 0;
    return message;
  }

  #fill(message: Uint8Array, chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + message.length - this.#filled);
    message.set(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end), this.#filled);
    this.#filled += end - at;
    if (this.#filled === message.length) {
      this.#messages.push(message);
      this.#partial = undefined;
    }
    return end;
  }

  /** The stream was cut in a length: puts its bytes together one by one. */
  #takeLength(chunk: Uint8Array, from: number): number {
    let at = from;
    while (at < chunk.length && this.#lengthFilled < LENGTH_BYTES) {
      this.#length[this.#lengthFilled] = chunk[at];
      this.#lengthFilled += 1;
      at += 1;
    }
    if (this.#lengthFilled < LENGTH_BYTES) return at;
    this.#lengthFilled = 0;
    const size = this.#checkedSize(this.#length, 0);
    if (size > 0) this.#fill(this.#begin(size), this.#length, 0);
    return at;
  }

  /** 0, and a fault, when it cannot be the size of a message. */
  #checkedSize(bytes: Uint8Array, at: number): number {
    const size = int32At(bytes, at);
    if (size >= HEADER_BYTES && size <= MESSAGE_SIZE_BYTES_MAX) return size;
    this.#fault = new WireError(`a message of ${size} bytes; they have ${HEADER_BYTES} to ${MESSAGE_SIZE_BYTES_MAX}`);
    return 0;
  }
}
