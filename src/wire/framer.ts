/** Cuts a stream into messages by the length each begins with. */
import { MESSAGE_SIZE_BYTES_MAX } from '../base/limits.ts';
import { int32At } from '../bson/bytes.ts';
import { HEADER_BYTES, WireError } from './message.ts';

/**
 * Feed chunks with `push`, take whole messages with `next` until it returns undefined. A message that lies in one chunk
 * is a view of that chunk; only one that is spread over several is copied, once.
 */
export class MessageFramer {
  /** The chunk being read and how far; chunks that came meanwhile wait in #later. */
  #chunk: Uint8Array | undefined;
  #at = 0;
  readonly #later: Uint8Array[] = [];
  #laterBytes = 0;

  /** The chunk now belongs to the framer and to the messages it makes; it must not change. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    if (this.#chunk === undefined) {
      this.#chunk = chunk;
      this.#at = 0;
    } else {
      this.#later.push(chunk);
      this.#laterBytes += chunk.length;
    }
  }

  /** Bytes received and not yet handed out. */
  get pendingBytes(): number {
    return this.#chunk === undefined ? 0 : this.#chunk.length - this.#at + this.#laterBytes;
  }

  /** The next whole message, or undefined until more is pushed. Throws WireError when the length cannot be one. */
  next(): Uint8Array | undefined {
    const chunk = this.#chunk;
    if (chunk === undefined) return undefined;
    const rest = chunk.length - this.#at;
    if (rest < 4) return this.#nextOfSplitLength();
    const size = checkedSize(int32At(chunk, this.#at));
    if (rest < size) return this.#gather(size);
    return this.#take(chunk, size);
  }

  /** Takes a message that lies in `chunk` as a whole. */
  #take(chunk: Uint8Array, size: number): Uint8Array {
    const start = this.#at;
    const end = start + size;
    if (end === chunk.length) this.#advance();
    else this.#at = end;
    return start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end);
  }

  #advance(): void {
    this.#at = 0;
    this.#chunk = this.#later.shift();
    if (this.#chunk !== undefined) this.#laterBytes -= this.#chunk.length;
  }

  /** Even the length is split over chunks: joins as many as its four bytes need. */
  #nextOfSplitLength(): Uint8Array | undefined {
    if (this.pendingBytes < 4) return undefined;
    let joined = this.#restOfChunk();
    while (joined.length < 4) {
      const more = this.#later.shift() ?? new Uint8Array(0);
      this.#laterBytes -= more.length;
      const longer = new Uint8Array(joined.length + more.length);
      longer.set(joined);
      longer.set(more, joined.length);
      joined = longer;
    }
    this.#chunk = joined;
    this.#at = 0;
    return this.next();
  }

  /** The message goes on in later chunks: copies its parts together once all have come. */
  #gather(size: number): Uint8Array | undefined {
    if (this.pendingBytes < size) return undefined;
    const message = new Uint8Array(size);
    let filled = 0;
    while (filled < size) {
      const rest = this.#restOfChunk();
      const part = rest.length <= size - filled ? rest : rest.subarray(0, size - filled);
      message.set(part, filled);
      filled += part.length;
      if (part.length === rest.length) this.#advance();
      else this.#at += part.length;
    }
    return message;
  }

  #restOfChunk(): Uint8Array {
    const chunk = this.#chunk ?? new Uint8Array(0);
    return this.#at === 0 ? chunk : chunk.subarray(this.#at);
  }
}

function checkedSize(size: number): number {
  if (size < HEADER_BYTES || size > MESSAGE_SIZE_BYTES_MAX) {
    throw new WireError(`a message of ${size} bytes; they have ${HEADER_BYTES} to ${MESSAGE_SIZE_BYTES_MAX}`);
  }
  return size;
}
