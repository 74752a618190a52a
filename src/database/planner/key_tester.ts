/** Testing an entry of an index before its document is read. */
import { keyPartEnd, readKeyPart } from '../../bson/key_reader.ts';
import type { IndexAccess } from './access.ts';
import type { KeyTest } from './index_bounds.ts';
import { nextPossible, passesChecks, type KeyCheck } from './ranges.ts';

/** Entries that are passed over one by one before it is worth a seek. */
const MISSES_MAX = 8;

export class KeyTester {
  readonly #checks: readonly KeyCheck[];
  readonly #tests: readonly KeyTest[];
  readonly #descending: readonly boolean[];
  readonly #reverse: boolean;
  /** Entries one after the other that the bounds rule out. */
  #misses = 0;

  /** Undefined when the ranges say all. */
  static of(access: IndexAccess): KeyTester | undefined {
    if (access.checks.length === 0 && access.bounds.keyTests.length === 0) return undefined;
    return new KeyTester(access);
  }

  private constructor({ checks, bounds, reverse }: IndexAccess) {
    this.#checks = checks;
    this.#tests = bounds.keyTests.toSorted((a, b) => a.field - b.field);
    this.#descending = bounds.candidate.fields.map((field) => field.descending);
    this.#reverse = reverse;
  }

  /**
   * Where to go on after a key that did not pass, once that is worth a seek: below the next key that may pass, backwards above
   * it. Undefined: at the next one.
   */
  seekAfter(key: Uint8Array): Uint8Array | undefined {
    if (this.#misses < MISSES_MAX) return undefined;
    this.#misses = 0;
    return nextPossible(key, this.#checks, { descending: this.#descending, reverse: this.#reverse });
  }

  /** `key` is a cursor's own buffer, the entry in [0, end). */
  passes(key: Uint8Array, end: number): boolean {
    if (!passesChecks(key, this.#checks, this.#descending)) {
      this.#misses += 1;
      return false;
    }
    this.#misses = 0;
    if (this.#tests.length === 0) return true;
    let at = 0;
    let field = 0;
    for (const test of this.#tests) {
      for (; field < test.field && at < end; field++) at = keyPartEnd(key, at, this.#descending[field]);
      const descending = this.#descending[field];
      const value = readKeyPart(key, at, keyPartEnd(key, at, descending), descending);
      // What the key does not tell is left to the document.
      if (value !== undefined && !test.leaf.test(value.bytes, value.type, value.start, value.end)) return false;
    }
    return true;
  }
}
