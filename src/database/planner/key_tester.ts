/** Testing an entry of an index before its document is read. */
import { keyPartEnd, readKeyPart } from '../../bson/key_reader.ts';
import type { IndexAccess } from './access.ts';
import type { KeyTest } from './index_bounds.ts';
import { passesChecks, type KeyCheck } from './ranges.ts';

export class KeyTester {
  readonly #checks: readonly KeyCheck[];
  readonly #tests: readonly KeyTest[];
  readonly #descending: readonly boolean[];

  /** Undefined when the ranges say all. */
  static of({ checks, bounds }: IndexAccess): KeyTester | undefined {
    if (checks.length === 0 && bounds.keyTests.length === 0) return undefined;
    return new KeyTester(
      checks,
      bounds.keyTests,
      bounds.candidate.fields.map((field) => field.descending),
    );
  }

  private constructor(checks: readonly KeyCheck[], tests: readonly KeyTest[], descending: readonly boolean[]) {
    this.#checks = checks;
    this.#tests = tests.toSorted((a, b) => a.field - b.field);
    this.#descending = descending;
  }

  /** `key` is a cursor's own buffer, the entry in [0, end). */
  passes(key: Uint8Array, end: number): boolean {
    if (!passesChecks(key, this.#checks, this.#descending)) return false;
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
