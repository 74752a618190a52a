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
import { BlockingSource, type BlockingWork } from './blocking_source.ts';
import { ListSource } from './list_source.ts';
import { MemoryBudget } from './memory_budget.ts';
import { PAUSE } from './source.ts';
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
    return { kind: 'other', open: (source) => new BlockingSource(source, new FacetWork(facets)) };
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

class FacetWork implements BlockingWork {
  readonly #facets: readonly Facet[];
  readonly #documents: Uint8Array[] = [];
  readonly #memory = new MemoryBudget('$facet');

  constructor(facets: readonly Facet[]) {
    this.#facets = facets;
  }

  add(document: Uint8Array): void {
    this.#memory.take(document.length);
    this.#documents.push(document);
  }

  *results(): Iterator<Uint8Array | typeof PAUSE> {
    const writer = new BsonWriter().startDocument();
    for (const { name, pipeline } of this.#facets) {
      const source = pipeline.open(new ListSource(this.#documents), 0);
      const results: RawValue[] = [];
      for (let next = source.next(); next !== undefined; next = source.next()) {
        if (next === PAUSE) {
          yield PAUSE;
          continue;
        }
        this.#memory.take(next.length);
        results.push(rawObject(next));
      }
      source.close();
      writer.value(name, rawArrayOf(results));
    }
    yield writer.endDocument().finish();
  }
}
