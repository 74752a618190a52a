/** The frame of stages that take in everything before they give anything. */
import { Interruptible } from '../expression/work.ts';
import type { ExpressionScope } from '../expression.ts';
import { Pace } from '../pace.ts';
import { PAUSE, type Source } from './source.ts';

/** What such a stage does. */
export interface BlockingWork {
  /** Left in the middle of an evaluation it is called again with the same document. */
  add(document: Uint8Array): void;
  /** What follows the last document; it may be asked for documents one by one and may pause. */
  results(): Iterator<Uint8Array | typeof PAUSE>;
  /** Releases what is kept outside memory. */
  close?(): void;
}

export class BlockingSource implements Source {
  readonly #source: Source;
  readonly #work: BlockingWork;
  readonly #adding: Interruptible<Uint8Array, void>;
  readonly #pace: Pace;
  /** What was not quite added in the last turn. */
  #document: Uint8Array | undefined;
  #results: Iterator<Uint8Array | typeof PAUSE> | undefined;

  constructor(source: Source, work: BlockingWork, scope: ExpressionScope) {
    this.#source = source;
    this.#pace = new Pace(scope.turn);
    this.#adding = new Interruptible(scope.work, (document) => work.add(document));
    this.#work = work;
  }

  next(): ReturnType<Source['next']> {
    while (this.#results === undefined) {
      const document = this.#document ?? this.#source.next();
      if (document === PAUSE) return PAUSE;
      if (document === undefined) {
        this.#results = this.#work.results();
        break;
      }
      const isAdded = this.#adding.run(document) !== PAUSE;
      this.#document = isAdded ? undefined : document;
      if (!isAdded) return PAUSE;
    }
    if (this.#pace.isOver()) return PAUSE;
    const result = this.#results.next();
    return result.done === true ? undefined : result.value;
  }

  close(): void {
    this.#source.close();
    this.#work.close?.();
  }
}
