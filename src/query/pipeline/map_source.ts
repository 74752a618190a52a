/** A source that makes one document of each. */
import { PAUSE, type Source } from './source.ts';

export class MapSource implements Source {
  readonly #source: Source;
  readonly #map: (document: Uint8Array) => Uint8Array;

  constructor(source: Source, map: (document: Uint8Array) => Uint8Array) {
    this.#source = source;
    this.#map = map;
  }

  next(): ReturnType<Source['next']> {
    const document = this.#source.next();
    return document === undefined || document === PAUSE ? document : this.#map(document);
  }

  close(): void {
    this.#source.close();
  }
}
