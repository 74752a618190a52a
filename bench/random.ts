/** Small deterministic generators: every run gets the same documents and the same order of keys. */

/** xorshift32: returns a function (limit) → integer in [0, limit). The seed must not be 0. */
export function randomIntegers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

/** A number in [0, 2^30) that looks random but depends on `i` alone (murmur3's finalizer). */
export function scattered(i: number): number {
  let hash = i + 1;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 2;
}

/** 0, 1, 2, … */
export function sequence(): () => number {
  let next = 0;
  return () => next++;
}

const TEXT_BYTES = 1 << 20;
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .';

function randomText(): string {
  const random = randomIntegers(2463534242);
  const text = Buffer.alloc(TEXT_BYTES);
  for (let i = 0; i < TEXT_BYTES; i++) text[i] = LETTERS.charCodeAt(random(LETTERS.length));
  return text.toString('latin1');
}

const text = randomText();

/** Text that does not compress well: a run of one letter would flatter servers that compress. `at` is any integer. */
export function filler(length: number, at: number): string {
  const start = (at * 4099) % (TEXT_BYTES - length);
  return text.slice(start, start + length);
}
