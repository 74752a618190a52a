/** A source that makes one document of each, or none. */
import { Interruptible, type Work } from '../expression/work.ts';
import { PAUSE, type Source } from './source.ts';

type MapDocument = (document: Uint8Array) => Uint8Array | undefined;

export class MapSource implements Source {
  readonly #source: Source;
  readonly #map: Interruptible<Uint8Array, Uint8Array | undefined>;
  /** What the map was not done with in the last turn. */
  #document: Uint8Array | undefined;

  /** `map` has no effects; undefined leaves the document out. */
  constructor(source: Source, map: MapDocument, work: Work) {
    this.#source = source;
    this.#map = new Interruptible(work, map);
  }

  next(): ReturnType<Source['next']> {
    for (;;) {
      const document = this.#document ?? this.#source.next();
      if (document === undefined || document === PAUSE) return document;
      const made = this.#map.run(document);
      this.#document = made === PAUSE ? document : undefined;
      if (made !== undefined) return made;
    }
  }

  close(): void {
    this.#source.close();
  }
}
