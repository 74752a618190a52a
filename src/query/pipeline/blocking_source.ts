/** The frame of stages that take in everything before they give anything. */
import { Pace } from './pace.ts';
import { PAUSE, type Source } from './source.ts';

/** What such a stage does. */
export interface BlockingWork {
  add(document: Uint8Array): void;
  /** What follows the last document; it may be asked for documents one by one and may pause. */
  results(): Iterator<Uint8Array | typeof PAUSE>;
  /** Releases what is kept outside memory. */
  close?(): void;
}

export class BlockingSource implements Source {
  readonly #source: Source;
  readonly #work: BlockingWork;
  readonly #pace = new Pace();
  #results: Iterator<Uint8Array | typeof PAUSE> | undefined;

  constructor(source: Source, work: BlockingWork) {
    this.#source = source;
    this.#work = work;
  }

  next(): ReturnType<Source['next']> {
    while (this.#results === undefined) {
      const document = this.#source.next();
      if (document === PAUSE) return PAUSE;
      if (document === undefined) this.#results = this.#work.results();
      else this.#work.add(document);
    }
    if (this.#pace.mustPause()) return PAUSE;
    const result = this.#results.next();
    return result.done === true ? undefined : result.value;
  }

  close(): void {
    this.#source.close();
    this.#work.close?.();
  }
}
