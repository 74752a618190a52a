/** `$unionWith`: the documents of another collection, or of a pipeline over it, after those that come in. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import { rawArray, stringOf, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { CompiledPipeline } from './compiled_pipeline.ts';
import { beginsWithDocuments } from './lookup_stage.ts';
import { PAUSE, type Source } from './source.ts';
import type { StageContext, StageKind } from './stage.ts';
import { foreignNamespace, openOn } from './sub_pipeline.ts';

const NO_STAGES = rawArray(new BsonWriter().startDocument().endDocument().finish());

interface UnionSpec {
  /** Undefined: the pipeline brings its own documents. */
  readonly ns: string | undefined;
  readonly pipeline: CompiledPipeline;
}

export const unionWithStage: StageKind = {
  name: '$unionWith',
  parse(operand, context) {
    const spec = parseSpec(operand, context);
    return { kind: 'other', open: (source) => new UnionSource(source, spec, context) };
  },
};

function parseSpec(operand: RawValue, context: StageContext): UnionSpec {
  let collection: string | undefined;
  let stages: RawValue | undefined;
  if (operand.type === BSON_TYPE.string) {
    collection = stringOf(operand);
  } else if (operand.type === BSON_TYPE.object) {
    const reader = new ElementReader(operand.bytes, operand.start);
    while (reader.next()) {
      const name = reader.name();
      if (name === 'coll') collection = textOf(reader.value());
      else if (name === 'pipeline') stages = reader.value();
      else throw new CommandError(40415, `BSON field '$unionWith.${name}' is an unknown field.`);
    }
  } else {
    const type = typeAlias(operand.type);
    throw new CommandError(
      'FailedToParse',
      `the $unionWith stage specification must be an object or string, but found ${type}`,
    );
  }
  const ns = collection === undefined ? undefined : foreignNamespace('$unionWith', context.db, collection);
  const pipeline = context.compile(stages ?? NO_STAGES, 'unionWith', context.scope, ns);
  if (ns !== undefined) return { ns, pipeline };
  if (stages !== undefined && beginsWithDocuments(stages)) return { ns: undefined, pipeline };
  throw new CommandError(
    'FailedToParse',
    '$unionWith stage without explicit collection must have a pipeline with $documents as first stage',
  );
}

function textOf(value: RawValue): string {
  if (value.type === BSON_TYPE.string) return stringOf(value);
  throw new CommandError(
    'TypeMismatch',
    `BSON field '$unionWith.coll' is the wrong type '${typeAlias(value.type)}', expected type 'string'`,
  );
}

const NO_SOURCE: Source = { next: () => undefined, close: () => {} };

class UnionSource implements Source {
  readonly #source: Source;
  readonly #spec: UnionSpec;
  readonly #context: StageContext;
  #other: Source | undefined;

  constructor(source: Source, spec: UnionSpec, context: StageContext) {
    this.#source = source;
    this.#spec = spec;
    this.#context = context;
  }

  next(): ReturnType<Source['next']> {
    if (this.#other === undefined) {
      const document = this.#source.next();
      if (document !== undefined || document === PAUSE) return document;
      const { ns, pipeline } = this.#spec;
      this.#other = ns === undefined ? pipeline.open(NO_SOURCE, 0) : openOn(this.#context, ns, pipeline);
    }
    return this.#other.next();
  }

  close(): void {
    this.#other?.close();
    this.#source.close();
  }
}
