/** Goes through the items of an array; one that was not quite done with is there again. */
import { ElementReader } from '../../bson/elements.ts';
import { RAW_NULL, type RawValue } from '../../bson/value.ts';

export class ItemWalk {
  /** The current one, after `hasItem` said so. */
  item: RawValue = RAW_NULL;
  /** How many were passed. */
  passed = 0;
  readonly #reader: ElementReader;
  #isAtItem = false;

  constructor(array: RawValue) {
    this.#reader = new ElementReader(array.bytes, array.start);
  }

  /** Moves on unless the current item was not passed. False at the end. */
  hasItem(): boolean {
    if (this.#isAtItem) return true;
    if (!this.#reader.next()) return false;
    this.item = this.#reader.value();
    this.#isAtItem = true;
    return true;
  }

  /** The current item is done with. */
  pass(): void {
    this.#isAtItem = false;
    this.passed += 1;
  }
}
