/** Counting what every stage of a pipeline gives while it runs. */
import { ElementReader } from '../../../bson/elements.ts';
import { PAUSE, type Source } from '../source.ts';
import type { PipelineWatch } from '../stage.ts';

/** What one stage gave. */
export class GivenDocuments {
  documents = 0;
  bytes = 0;
  /** Bytes of the values of each field. */
  readonly fieldBytes = new Map<string, number>();

  add(document: Uint8Array): void {
    this.documents += 1;
    this.bytes += document.length;
  }

  addFields(document: Uint8Array): void {
    const reader = new ElementReader(document);
    while (reader.next()) {
      const name = reader.name();
      this.fieldBytes.set(name, (this.fieldBytes.get(name) ?? 0) + reader.end - reader.start);
    }
  }
}

/** `countsFields`: of which stages the fields are counted as well. */
export class StageCounts implements PipelineWatch {
  readonly #countsFields: (index: number) => boolean;
  readonly #given = new Map<number, GivenDocuments>();
  readonly #inner = new Map<number, StageCounts[]>();
  #at = 0;

  constructor(countsFields: (index: number) => boolean) {
    this.#countsFields = countsFields;
  }

  enter(index: number): void {
    this.#at = index;
  }

  inside(): PipelineWatch {
    const counts = new StageCounts(() => true);
    this.#inner.set(this.#at, [...this.inner(this.#at), counts]);
    return counts;
  }

  over(source: Source, index: number): Source {
    const given = new GivenDocuments();
    this.#given.set(index, given);
    const countsFields = this.#countsFields(index);
    return {
      next() {
        const document = source.next();
        if (document === undefined || document === PAUSE) return document;
        given.add(document);
        if (countsFields) given.addFields(document);
        return document;
      },
      close: () => source.close(),
    };
  }

  /** What the stage gave so far. */
  of(index: number): GivenDocuments {
    return this.#given.get(index) ?? NOTHING;
  }

  /** Of the pipelines inside the stage, in order. */
  inner(index: number): readonly StageCounts[] {
    return this.#inner.get(index) ?? [];
  }
}

const NOTHING = new GivenDocuments();
