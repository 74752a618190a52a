/** The pull interface between the operators of a pipeline, and to what feeds them. */

/** Instead of a document: "give the loop back, then call `next` again". Nothing is lost or repeated. */
export const PAUSE: unique symbol = Symbol('pause');

export interface Source {
  /**
   * The next document, undefined at the end (and from then on), or PAUSE when the turn has lasted long enough. Only the
   * source at the bottom looks at the clock; operators hand a PAUSE up as it is. The document is owned by the receiver.
   */
  next(): Uint8Array | undefined | typeof PAUSE;
  /** Releases what is held below. Called once by whoever opened the source, at the end or before it. */
  close(): void;
}
