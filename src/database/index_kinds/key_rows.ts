/** Keys that a kind of index works out as rows of values, one value for each of its fields. */
import { CommandError } from '../../base/command_error.ts';
import { compareBytes, equalBytes } from '../../bson/bytes.ts';
import { KeyWriter } from '../../bson/key.ts';
import type { RawValue } from '../../bson/value.ts';
import type { EqualityKeys } from '../../query/collation/equality_keys.ts';
import { NO_KEYS, type Extraction, type IndexField, type KeyGenerator } from '../index/index_key.ts';

/** What a document is listed by. */
export interface KeyRows {
  readonly rows: readonly (readonly RawValue[])[];
  /** Whether an array was met. */
  readonly metArray: boolean;
}

/** Source: MongoDB's parameter indexMaxNumGeneratedKeysPerDocument. */
const KEYS_MAX = 100_000;

/** A generator over a function that finds the rows; undefined for documents that the index leaves out. */
export class RowsKeyGenerator implements KeyGenerator {
  readonly #fields: readonly IndexField[];
  readonly #rowsOf: (document: Uint8Array) => KeyRows | undefined;
  readonly #equality: EqualityKeys | undefined;
  readonly #writer = new KeyWriter();

  /** `equality`: how strings are listed; undefined: as they are. */
  constructor(
    fields: readonly IndexField[],
    rowsOf: (document: Uint8Array) => KeyRows | undefined,
    equality?: EqualityKeys,
  ) {
    this.#fields = fields;
    this.#rowsOf = rowsOf;
    this.#equality = equality;
  }

  extract(document: Uint8Array, suffix: Uint8Array): Extraction {
    const found = this.#rowsOf(document);
    if (found === undefined) return NO_KEYS;
    const keys = found.rows.map((values) => this.#keyOf(values, suffix));
    keys.sort(compareBytes);
    const distinct = keys.filter((key, i) => i === 0 || !equalBytes(key, keys[i - 1]));
    return { keys: distinct, multikey: found.metArray || distinct.length > 1 };
  }

  valuesOf(document: Uint8Array, suffix: Uint8Array, key: Uint8Array): readonly RawValue[] {
    const rows = this.#rowsOf(document)?.rows ?? [];
    return rows.find((values) => equalBytes(this.#keyOf(values, suffix), key)) ?? [];
  }

  #keyOf(values: readonly RawValue[], suffix: Uint8Array): Uint8Array {
    this.#writer.reset();
    for (const [i, value] of values.entries())
      this.#writer.append(this.#equality?.of(value) ?? value, this.#fields[i].descending);
    return this.#writer.appendBytes(suffix).finish();
  }
}

/** Every value of each field with every one of the others. */
export function combinationsOf(parts: readonly (readonly RawValue[])[]): RawValue[][] {
  let all: RawValue[][] = [[]];
  for (const values of parts) {
    if (all.length * values.length > KEYS_MAX) {
      throw new CommandError('CannotBuildIndexKeys', 'Maximum number of generated keys exceeded.');
    }
    all = all.flatMap((begun) => values.map((value) => [...begun, value]));
  }
  return all;
}
