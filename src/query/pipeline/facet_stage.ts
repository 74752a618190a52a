/** `$facet`: several pipelines over the same documents, all results in one document. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader, isEmptyDocument } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import { rawObject, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { describeValue } from '../describe.ts';
import { fieldPathComponents } from '../field_path.ts';
import type { CompiledPipeline } from './compiled_pipeline.ts';
import { itemsOf, rawArrayOf } from '../update/array_value.ts';
import { IN_MEMORY, MemoryBudget, type StageMemory } from './memory_budget.ts';
import { PAUSE, type Source } from './source.ts';
import type { StageContext, StageKind } from './stage.ts';

interface Facet {
  readonly name: string;
  readonly pipeline: CompiledPipeline;
}

export const facetStage: StageKind = {
  name: '$facet',
  notIn: new Set(['facet']),
  parse(operand, context) {
    const facets = parseFacets(operand, context);
    return { kind: 'other', open: (source) => new FacetSource(source, facets, context.memory) };
  },
};

function parseFacets(operand: RawValue, context: StageContext): Facet[] {
  if (operand.type !== BSON_TYPE.object || isEmptyDocument(operand.bytes, operand.start)) {
    const shown = describeValue(operand);
    throw new CommandError(40169, `the $facet specification must be a non-empty object, but found: $facet: ${shown}`);
  }
  const facets: Facet[] = [];
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const name = reader.name();
    if (fieldPathComponents(name).length > 1) {
      throw new CommandError(
        16412,
        "FieldPath field names may not contain '.'. Consider using $getField or $setField.",
      );
    }
    checkStages(name, reader.value());
    facets.push({ name, pipeline: context.compile(reader.value(), 'facet', context.scope) });
  }
  return facets;
}

function checkStages(name: string, stages: RawValue): void {
  if (stages.type !== BSON_TYPE.array) {
    throw new CommandError(40170, `arguments to $facet must be arrays, ${name} is type ${typeAlias(stages.type)}`);
  }
  for (const [i, stage] of itemsOf(stages).entries()) {
    if (stage.type === BSON_TYPE.object) continue;
    throw new CommandError(
      40171,
      `elements of arrays in $facet spec must be non-empty objects, ${name} argument contained an element of type ` +
        `${typeAlias(stage.type)}: ${i}: ${describeValue(stage)}`,
    );
  }
}

/** Hands on what is put into it; pauses when there is nothing. */
class Queue implements Source {
  readonly #documents: Uint8Array[] = [];
  #at = 0;
  #isEnded = false;

  get isEmpty(): boolean {
    return this.#at === this.#documents.length;
  }

  push(document: Uint8Array): void {
    this.#documents.push(document);
  }

  end(): void {
    this.#isEnded = true;
  }

  next(): ReturnType<Source['next']> {
    if (this.isEmpty) return this.#isEnded ? undefined : PAUSE;
    const document = this.#documents[this.#at++];
    if (this.isEmpty) {
      this.#documents.length = 0;
      this.#at = 0;
    }
    return document;
  }

  close(): void {}
}

/** One of the pipelines while it runs. */
interface RunningFacet {
  readonly name: string;
  readonly queue: Queue;
  readonly source: Source;
  readonly results: RawValue[];
  isDone: boolean;
}

/** Every document goes through all pipelines before the next one is asked for: only results are kept. */
class FacetSource implements Source {
  readonly #source: Source;
  readonly #facets: readonly RunningFacet[];
  readonly #memory: MemoryBudget;
  #isEnded = false;
  #isDone = false;

  constructor(source: Source, facets: readonly Facet[], { bytesMax }: StageMemory) {
    this.#source = source;
    this.#memory = new MemoryBudget('$facet', { ...IN_MEMORY, bytesMax }, () => tooLarge(bytesMax));
    this.#facets = facets.map(({ name, pipeline }) => {
      const queue = new Queue();
      return { name, queue, source: pipeline.open(queue, 0), results: [], isDone: false };
    });
  }

  next(): ReturnType<Source['next']> {
    while (!this.#isDone) {
      for (const facet of this.#facets) if (this.#drain(facet) === 'pause') return PAUSE;
      if (this.#isEnded) return this.#result();
      const document = this.#source.next();
      if (document === PAUSE) return PAUSE;
      this.#isEnded = document === undefined;
      for (const { queue, isDone } of this.#facets) {
        if (document === undefined) queue.end();
        else if (!isDone) queue.push(document);
      }
    }
    return undefined;
  }

  close(): void {
    this.#source.close();
    for (const { source } of this.#facets) source.close();
  }

  #drain(facet: RunningFacet): 'dry' | 'pause' {
    while (!facet.isDone) {
      const result = facet.source.next();
      if (result === PAUSE) return facet.queue.isEmpty && !this.#isEnded ? 'dry' : 'pause';
      if (result === undefined) facet.isDone = true;
      else {
        this.#memory.take(result.length);
        facet.results.push(rawObject(result));
      }
    }
    return 'dry';
  }

  #result(): Uint8Array {
    this.#isDone = true;
    const writer = new BsonWriter().startDocument();
    for (const { name, results } of this.#facets) writer.value(name, rawArrayOf(results));
    return writer.endDocument().finish();
  }
}

function tooLarge(bytesMax: number): CommandError {
  return new CommandError(4031700, `document constructed by $facet is larger than the limit of ${bytesMax} bytes`);
}
