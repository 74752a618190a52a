/** A fingerprint of everything that happened in a run: two runs of one seed must have the same. */
import { int32At } from '../bson/bytes.ts';

export class Trace {
  #hash = 0x811c9dc5;

  /** Takes in a whole number. */
  number(value: number): void {
    this.#fold(value | 0);
    this.#fold(Math.floor(value / 0x1_0000_0000) | 0);
  }

  bytes(bytes: Uint8Array): void {
    this.#fold(bytes.length);
    const whole = bytes.length & ~3;
    for (let i = 0; i < whole; i += 4) this.#fold(int32At(bytes, i));
    for (let i = whole; i < bytes.length; i++) this.#fold(bytes[i]);
  }

  text(text: string): void {
    for (let i = 0; i < text.length; i++) this.#fold(text.charCodeAt(i));
  }

  /** Eight hexadecimal digits. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  /** FNV-1a over 32-bit words, with a final mix so that high bits count. */
  #fold(word: number): void {
    const mixed = Math.imul(this.#hash ^ word, 0x01000193);
    this.#hash = mixed ^ (mixed >>> 15);
  }
}
