/** Stages that make a document of one other: the new one has the metadata of the old. */
import type { DocumentMetadata } from '../metadata.ts';
import { PAUSE, type Source } from './source.ts';
import type { Stage } from './stage.ts';

type OtherStage = Extract<Stage, { kind: 'other' }>;

/** The stage, carrying metadata over when anything of the query asks for any. */
export function carrying(stage: OtherStage, metadata: DocumentMetadata): OtherStage {
  return {
    kind: 'other',
    open(source) {
      if (!metadata.isUsed) return stage.open(source);
      const taken = new TakenSource(source);
      return new CarryingSource(taken, stage.open(taken), metadata);
    },
  };
}

/** Remembers what was taken last. */
class TakenSource implements Source {
  last: Uint8Array | undefined;
  readonly #source: Source;

  constructor(source: Source) {
    this.#source = source;
  }

  next(): ReturnType<Source['next']> {
    const document = this.#source.next();
    if (document !== undefined && document !== PAUSE) this.last = document;
    return document;
  }

  close(): void {
    this.#source.close();
  }
}

class CarryingSource implements Source {
  readonly #taken: TakenSource;
  readonly #made: Source;
  readonly #metadata: DocumentMetadata;

  constructor(taken: TakenSource, made: Source, metadata: DocumentMetadata) {
    this.#taken = taken;
    this.#made = made;
    this.#metadata = metadata;
  }

  next(): ReturnType<Source['next']> {
    const document = this.#made.next();
    const { last } = this.#taken;
    if (document !== undefined && document !== PAUSE && last !== undefined) this.#metadata.carry(last, document);
    return document;
  }

  close(): void {
    this.#made.close();
  }
}
