/**
 * Where an index is multikey: which segments of which of its fields ever led to an array. The planner may join two
 * conditions on one field only where no array can meet each with another element.
 */
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { numberOf, stringOf } from '../../bson/value.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import type { Extraction } from './index_key.ts';

const ARRAYS = fieldName('multikeyArrays');
const PATHS = fieldName('multikeyPaths');

export class MultikeyPaths {
  /** How often anything was added. */
  changes = 0;
  #isMultikey = false;
  /** Per field of the index, a bit for each segment. All bits where it is not known which. */
  readonly #arrays: number[];
  /** Of a wildcard index: whole paths. */
  readonly #paths = new Set<string>();

  constructor(fields: number) {
    this.#arrays = Array.from({ length: fields }, () => 0);
  }

  /** What {@link write} wrote into the document at `at`. An entry without it is multikey everywhere or nowhere. */
  static read(
    bytes: Uint8Array,
    at: number,
    known: { readonly fields: number; readonly isMultikey: boolean },
  ): MultikeyPaths {
    const paths = new MultikeyPaths(known.fields);
    if (!known.isMultikey) return paths;
    paths.#isMultikey = true;
    const arrays = findField(bytes, ARRAYS, at);
    const names = findField(bytes, PATHS, at);
    if (arrays === undefined || names === undefined) {
      paths.#arrays.fill(-1);
      return paths;
    }
    const items = new ElementReader(arrays.bytes, arrays.start);
    for (let i = 0; items.next(); i++) paths.#arrays[i] = numberOf(items);
    items.reset(names.bytes, names.start);
    while (items.next()) paths.#paths.add(stringOf(items));
    return paths;
  }

  get isMultikey(): boolean {
    return this.#isMultikey;
  }

  /** Whether adding what was found would change anything. */
  lacks(found: Extraction): boolean {
    if (!found.multikey) return false;
    if (!this.#isMultikey) return true;
    if (found.arrayPaths?.some((path) => !this.#paths.has(path)) === true) return true;
    return found.arrays?.some((bits, i) => (bits & ~this.#arrays[i]) !== 0) ?? false;
  }

  add(found: Extraction): void {
    this.changes += 1;
    this.#isMultikey = true;
    for (const path of found.arrayPaths ?? []) this.#paths.add(path);
    if (found.arrays === undefined && found.arrayPaths === undefined) this.#arrays.fill(-1);
    for (const [i, bits] of (found.arrays ?? []).entries()) this.#arrays[i] |= bits;
  }

  /** Bits of the segments of field `i` that led to an array. */
  arraysOf(i: number): number {
    return this.#arrays[i];
  }

  /** Of a wildcard index: the beginnings of `path` that led to an array, the path itself perhaps among them. */
  arraysOn(path: string): string[] {
    const found: string[] = [];
    for (let dot = path.indexOf('.'); ; dot = path.indexOf('.', dot + 1)) {
      const prefix = dot < 0 ? path : path.slice(0, dot);
      if (this.#paths.has(prefix)) found.push(prefix);
      if (dot < 0) return found;
    }
  }

  /** Into the document that is open. */
  write(writer: BsonWriter): void {
    if (!this.#isMultikey) return;
    writer.startArray(ARRAYS);
    for (const [i, bits] of this.#arrays.entries()) writer.int32(i, bits);
    writer.end().startArray(PATHS);
    for (const [i, path] of [...this.#paths].entries()) writer.string(i, path);
    writer.end();
  }
}
