/** Documents that are in memory already. Pauses from time to time: work on many of them, or on many empty lists, takes long, too. */
import { ENDLESS_TURN, Pace } from '../pace.ts';
import { PAUSE, type Source } from './source.ts';

export class ListSource implements Source {
  readonly #documents: readonly Uint8Array[];
  readonly #pace: Pace;
  #at = 0;

  constructor(documents: readonly Uint8Array[], turn = ENDLESS_TURN) {
    this.#documents = documents;
    this.#pace = new Pace(turn);
  }

  next(): ReturnType<Source['next']> {
    if (this.#pace.isOver()) return PAUSE;
    if (this.#at >= this.#documents.length) return undefined;
    return this.#documents[this.#at++];
  }

  close(): void {
    this.#at = this.#documents.length;
  }
}
