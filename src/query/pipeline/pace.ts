/** When to pause for stages that give documents without asking the source below them, which looks at the clock. */

/** Between two pauses. */
const RUN_DOCUMENTS = 256;

export class Pace {
  readonly #length: number;
  #left: number;

  constructor(length = RUN_DOCUMENTS) {
    this.#length = length;
    this.#left = length;
  }

  /** Called before each document: whether it is time to pause first. */
  mustPause(): boolean {
    if (this.#left > 0) {
      this.#left -= 1;
      return false;
    }
    this.#left = this.#length;
    return true;
  }
}
