/**
 * Where a text occurs in another, by their bytes. It takes time in proportion to the two whatever they are (Knuth, Morris
 * and Pratt), and goes on where it was left: the engine's own search takes the product of both for texts like `aaaab`.
 */

export class ByteSearch {
  readonly #text: Uint8Array;
  readonly #sought: Uint8Array;
  readonly #end: number;
  /** For each length of a beginning of what is sought: how long a shorter beginning it ends with. */
  readonly #shorter: Int32Array;
  /** Lengths of `#shorter` that are known, and the last of those. */
  #known = 1;
  #last = 0;
  /** The next byte to look at, and how much of what is sought ends before it. */
  #at: number;
  #matched = 0;

  /** Looks in `text` from `start` to `end`. What is sought must not be empty. */
  constructor(text: Uint8Array, sought: Uint8Array, start = 0, end = text.length) {
    this.#text = text;
    this.#sought = sought;
    this.#at = start;
    this.#end = end;
    this.#shorter = new Int32Array(sought.length > end - start ? 0 : sought.length);
  }

  /** The next place behind the last one; -1 when there is none, undefined when that takes more than so many bytes. */
  find(bytesMax: number): number | undefined {
    const length = this.#sought.length;
    if (length > this.#shorter.length) return -1;
    if (this.#known < length && !this.#learn(bytesMax)) return undefined;
    const end = Math.min(this.#end, this.#at + bytesMax);
    const found = this.#advance(end);
    if (found !== undefined) return found;
    return end === this.#end ? -1 : undefined;
  }

  #learn(bytesMax: number): boolean {
    const sought = this.#sought;
    const shorter = this.#shorter;
    const end = Math.min(sought.length, this.#known + bytesMax);
    let last = this.#last;
    let known = this.#known;
    for (; known < end; known++) {
      const byte = sought[known];
      while (last > 0 && sought[last] !== byte) last = shorter[last - 1];
      if (sought[last] === byte) last++;
      shorter[known] = last;
    }
    this.#known = known;
    this.#last = last;
    return known === sought.length;
  }

  #advance(end: number): number | undefined {
    const text = this.#text;
    const sought = this.#sought;
    const shorter = this.#shorter;
    const length = sought.length;
    let at = this.#at;
    let matched = this.#matched;
    while (at < end && matched < length) {
      const byte = text[at++];
      while (matched > 0 && sought[matched] !== byte) matched = shorter[matched - 1];
      if (sought[matched] === byte) matched++;
    }
    this.#at = at;
    this.#matched = matched === length ? 0 : matched;
    return matched === length ? at - length : undefined;
  }
}
