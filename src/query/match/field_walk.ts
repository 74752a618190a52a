/** A conjunction of conditions on top-level fields, answered in one walk over the document. */
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader, valueEnd } from '../../bson/elements.ts';
import type { Matcher } from './document_matcher.ts';
import { MISSING, type ValueTest } from './value_test.ts';

export interface FieldTest {
  readonly name: string;
  readonly test: ValueTest;
}

/** Of more fields than bits in a small integer a table is made. */
const FIELDS_MAX = 30;

/**
 * Stops at the first field that fails and at the last one asked for. A name that occurs twice in a document counts the
 * first time, as everywhere. Fields that never came are tested as missing at the end.
 */
export class FieldWalk implements Matcher {
  readonly #names: readonly Uint8Array[];
  readonly #tests: readonly ValueTest[];
  /** By the first byte of a name: 1 + the index of a field that begins so, 0 for none; `#next` chains the others. */
  readonly #firstByByte = new Uint8Array(256);
  readonly #next: Uint8Array;
  /** One bit per field. */
  readonly #wanted: number;
  readonly #rest: readonly Matcher[];

  /** `rest`: further conditions, asked when all fields pass. */
  static of(fields: readonly FieldTest[], rest: readonly Matcher[]): Matcher {
    return fields.length <= FIELDS_MAX ? new FieldWalk(fields, rest) : new FieldTable(fields, rest);
  }

  private constructor(fields: readonly FieldTest[], rest: readonly Matcher[]) {
    this.#names = fields.map((field) => fieldName(field.name));
    this.#tests = fields.map((field) => field.test);
    this.#next = new Uint8Array(fields.length + 1);
    this.#wanted = 2 ** fields.length - 1;
    this.#rest = rest;
    for (const [i, name] of this.#names.entries()) {
      const firstByte = name.length === 0 ? 0 : name[0];
      this.#next[i + 1] = this.#firstByByte[firstByte];
      this.#firstByByte[firstByte] = i + 1;
    }
  }

  matches(bytes: Uint8Array, at: number): boolean {
    let missing = this.#wanted;
    let element = at + 4;
    for (let type = bytes[element]; type !== 0; type = bytes[element]) {
      const nameStart = element + 1;
      const field = this.#fieldAt(bytes, nameStart);
      let nameEnd = nameStart;
      if (field >= 0) nameEnd += this.#names[field].length;
      else while (bytes[nameEnd] !== 0) nameEnd++;
      const start = nameEnd + 1;
      element = valueEnd(type, bytes, start);
      if (field < 0 || (missing & (1 << field)) === 0) continue;
      if (!this.#tests[field](bytes, type, start, element)) return false;
      missing &= ~(1 << field);
      if (missing === 0) break;
    }
    return (missing === 0 || this.#passesWithout(missing, bytes)) && this.#passesRest(bytes, at);
  }

  /** The index of the field whose name stands at `nameStart`, or -1. */
  #fieldAt(bytes: Uint8Array, nameStart: number): number {
    let candidate = this.#firstByByte[bytes[nameStart]];
    while (candidate !== 0) {
      const name = this.#names[candidate - 1];
      let i = 0;
      while (i < name.length && bytes[nameStart + i] === name[i]) i++;
      if (i === name.length && bytes[nameStart + i] === 0) return candidate - 1;
      candidate = this.#next[candidate];
    }
    return -1;
  }

  #passesWithout(missing: number, bytes: Uint8Array): boolean {
    for (let field = 0; field < this.#tests.length; field++) {
      if ((missing & (1 << field)) !== 0 && !this.#tests[field](bytes, MISSING, 0, 0)) return false;
    }
    return true;
  }

  #passesRest(bytes: Uint8Array, at: number): boolean {
    for (const matcher of this.#rest) if (!matcher.matches(bytes, at)) return false;
    return true;
  }
}

/** As {@link FieldWalk}, for any number of fields. */
class FieldTable implements Matcher {
  readonly #tests: ReadonlyMap<string, ValueTest>;
  readonly #rest: readonly Matcher[];

  constructor(fields: readonly FieldTest[], rest: readonly Matcher[]) {
    this.#tests = new Map(fields.map(({ name, test }) => [name, test]));
    this.#rest = rest;
  }

  matches(bytes: Uint8Array, at: number): boolean {
    const seen = new Set<string>();
    const reader = new ElementReader(bytes, at);
    while (seen.size < this.#tests.size && reader.next()) {
      const name = reader.name();
      const test = this.#tests.get(name);
      if (test === undefined || seen.has(name)) continue;
      if (!test(bytes, reader.type, reader.start, reader.end)) return false;
      seen.add(name);
    }
    return this.#passesWithout(seen, bytes) && this.#rest.every((matcher) => matcher.matches(bytes, at));
  }

  #passesWithout(seen: ReadonlySet<string>, bytes: Uint8Array): boolean {
    if (seen.size === this.#tests.size) return true;
    for (const [name, test] of this.#tests) if (!seen.has(name) && !test(bytes, MISSING, 0, 0)) return false;
    return true;
  }
}
