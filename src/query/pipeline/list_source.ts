/** Documents that are in memory already. Pauses from time to time: work on many of them takes long, too. */
import { PAUSE, type Source } from './source.ts';

/** Between two pauses. */
const RUN_DOCUMENTS = 256;

export class ListSource implements Source {
  readonly #documents: readonly Uint8Array[];
  #at = 0;
  #left = RUN_DOCUMENTS;

  constructor(documents: readonly Uint8Array[]) {
    this.#documents = documents;
  }

  next(): ReturnType<Source['next']> {
    if (this.#at >= this.#documents.length) return undefined;
    if (this.#left === 0) {
      this.#left = RUN_DOCUMENTS;
      return PAUSE;
    }
    this.#left--;
    return this.#documents[this.#at++];
  }

  close(): void {
    this.#at = this.#documents.length;
  }
}
