/**
 * `$lookup`: for each document, the documents of another collection that match it, as an array. Matching is by equal
 * fields, by a pipeline that sees variables, or by both.
 */
import { CommandError } from '../../base/command_error.ts';
import { BSON_OBJECT_SIZE_BYTES_MAX } from '../../base/limits.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import { RAW_NULL, rawArray, stringOf, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { describeValue } from '../describe.ts';
import type { ExpressionScope } from '../expression.ts';
import { fieldPathComponents } from '../field_path.ts';
import { membership } from '../match/in_operator.ts';
import { filterPath, type FilterPath } from '../match/path.ts';
import { conjunction } from '../match/predicate.ts';
import { filterOf, type CompiledFilter } from '../matcher.ts';
import type { CompiledPipeline } from './compiled_pipeline.ts';
import { itemsOf, rawArrayOf } from '../update/array_value.ts';
import { OuterValues } from '../expression/outer_values.ts';
import { LetVariables } from './let_variables.ts';
import { matchSource } from './match_stage.ts';
import { valuesAtPath } from './path_values.ts';
import { withValueAt } from './set_at_path.ts';
import { PAUSE, type Source } from './source.ts';
import type { StageContext, StageKind } from './stage.ts';
import { foreignNamespace } from './sub_pipeline.ts';

interface Equality {
  readonly local: FilterPath;
  readonly foreign: string;
}

/** The documents are in the pipeline itself: its first stage. */
interface Literal {
  readonly kind: 'documents';
  readonly pipeline: CompiledPipeline;
}

interface LookupSpec {
  readonly from: { readonly kind: 'collection'; readonly ns: string } | Literal;
  readonly as: readonly Uint8Array[];
  readonly equality: Equality | undefined;
  readonly variables: LetVariables;
  readonly pipeline: CompiledPipeline;
}

export const lookupStage: StageKind = {
  name: '$lookup',
  isOneByOne: true,
  parse(operand, context) {
    const spec = parseSpec(operand, context);
    return { kind: 'other', open: (source) => new LookupSource(source, spec, context) };
  },
};

const TEXT_ARGUMENTS = new Set(['from', 'as', 'localField', 'foreignField']);

interface Arguments {
  readonly texts: ReadonlyMap<string, string>;
  readonly pipeline: RawValue | undefined;
  readonly variables: RawValue | undefined;
}

function parseArguments(operand: RawValue): Arguments {
  if (operand.type !== BSON_TYPE.object) {
    const type = typeAlias(operand.type);
    throw new CommandError('FailedToParse', `the $lookup stage specification must be an object, but found ${type}`);
  }
  const texts = new Map<string, string>();
  let pipeline: RawValue | undefined;
  let variables: RawValue | undefined;
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const name = reader.name();
    if (name === 'pipeline') pipeline = reader.value();
    else if (name === 'let') variables = reader.value();
    else if (reader.type !== BSON_TYPE.string) {
      const shown = `${name}: ${describeValue(reader)}: ${typeAlias(reader.type)}`;
      throw new CommandError('FailedToParse', `$lookup argument '${name}' must be a string, found ${shown}`);
    } else if (TEXT_ARGUMENTS.has(name)) {
      texts.set(name, stringOf(reader));
    } else {
      throw new CommandError('FailedToParse', `unknown argument to $lookup: ${name}`);
    }
  }
  return { texts, pipeline, variables };
}

const NO_STAGES = rawArray(new BsonWriter().startDocument().endDocument().finish());

function parseSpec(operand: RawValue, context: StageContext): LookupSpec {
  const { texts, pipeline, variables } = parseArguments(operand);
  const as = texts.get('as') ?? '';
  if (as === '') throw new CommandError('FailedToParse', "must specify 'as' field for a $lookup");
  const equality = equalityOf(texts.get('localField'), texts.get('foreignField'), pipeline !== undefined);
  if (variables !== undefined && pipeline === undefined) {
    throw new CommandError('FailedToParse', "$lookup with a 'let' argument must also specify 'pipeline'");
  }
  const bound = new LetVariables('$lookup', variables, context.scope, new OuterValues(context.depth));
  const inner = bound.scopeIn(context.scope);
  const { from, stages } = originOf(texts.get('from'), pipeline, { context, inner });
  return {
    from,
    as: fieldPathComponents(as).map(fieldName),
    equality,
    variables: bound,
    pipeline: context.compile(stages, 'lookup', inner, from.kind === 'collection' ? from.ns : undefined),
  };
}

/** Where the documents come from, and the stages for them. */
function originOf(
  from: string | undefined,
  pipeline: RawValue | undefined,
  { context, inner }: { readonly context: StageContext; readonly inner: ExpressionScope },
): { readonly from: LookupSpec['from']; readonly stages: RawValue } {
  if (from !== undefined) {
    const ns = foreignNamespace('$lookup', context.db, from);
    return { from: { kind: 'collection', ns }, stages: pipeline ?? NO_STAGES };
  }
  if (pipeline === undefined || !beginsWithDocuments(pipeline)) {
    throw new CommandError('FailedToParse', "must specify 'from' field for a $lookup");
  }
  const [first, ...rest] = itemsOf(pipeline);
  const literal = context.compile(rawArrayOf([first]), 'lookup', inner);
  return { from: { kind: 'documents', pipeline: literal }, stages: rawArrayOf(rest) };
}

function equalityOf(
  local: string | undefined,
  foreign: string | undefined,
  hasPipeline: boolean,
): Equality | undefined {
  if (local === undefined && foreign === undefined && hasPipeline) return undefined;
  if (local === undefined || foreign === undefined) {
    throw new CommandError(
      'FailedToParse',
      "$lookup requires either 'pipeline' or both 'localField' and 'foreignField' to be specified",
    );
  }
  fieldPathComponents(local);
  fieldPathComponents(foreign);
  return { local: filterPath(local), foreign };
}

/** Whether a pipeline needs no collection. */
export function beginsWithDocuments(pipeline: RawValue): boolean {
  if (pipeline.type !== BSON_TYPE.array) return false;
  const stages = new ElementReader(pipeline.bytes, pipeline.start);
  if (!stages.next() || stages.type !== BSON_TYPE.object) return false;
  const stage = new ElementReader(stages.bytes, stages.start);
  return stage.next() && stage.name() === '$documents';
}

class LookupSource implements Source {
  readonly #source: Source;
  readonly #spec: LookupSpec;
  readonly #context: StageContext;
  /** The document whose matches are being gathered. */
  #document: Uint8Array | undefined;
  #matches: Source | undefined;
  readonly #writer = new BsonWriter();
  #count = 0;

  constructor(source: Source, spec: LookupSpec, context: StageContext) {
    this.#source = source;
    this.#spec = spec;
    this.#context = context;
  }

  next(): ReturnType<Source['next']> {
    if (this.#document === undefined) {
      const document = this.#source.next();
      if (document === undefined || document === PAUSE) return document;
      this.#document = document;
      this.#matches = this.#open(document);
      this.#writer.reset().startDocument();
      this.#count = 0;
    }
    for (;;) {
      const match = this.#matches?.next();
      if (match === PAUSE) return PAUSE;
      if (match === undefined) return this.#finish(this.#document);
      this.#writer.document(this.#count++, match);
      if (this.#writer.length > BSON_OBJECT_SIZE_BYTES_MAX) throw tooLarge();
    }
  }

  close(): void {
    this.#matches?.close();
    this.#source.close();
  }

  #finish(document: Uint8Array): Uint8Array {
    this.#matches?.close();
    this.#matches = undefined;
    this.#document = undefined;
    return withValueAt(document, this.#spec.as, rawArray(this.#writer.endDocument().finish()));
  }

  #open(document: Uint8Array): Source {
    const { from, equality, variables, pipeline } = this.#spec;
    variables.set(document);
    const { pushdown } = pipeline;
    if (from.kind === 'documents') {
      const all = from.pipeline.open(NO_SOURCE, 0);
      if (equality === undefined) return pipeline.open(all, 0);
      return pipeline.open(
        matchSource(all, this.#equalTo(equality, document, undefined).matcher, this.#context.scope.work),
        0,
      );
    }
    const { ns } = from;
    if (equality === undefined) return pipeline.open(this.#context.collections.open(ns, pushdown), pushdown.stages);
    const filter = this.#equalTo(equality, document, pushdown.filter);
    const below = this.#context.collections.open(ns, { ...pushdown, filter });
    return pipeline.open(below, pushdown.stages);
  }

  /** Nothing at the local path counts as null. */
  #equalTo({ local, foreign }: Equality, document: Uint8Array, also: CompiledFilter | undefined): CompiledFilter {
    const found = valuesAtPath(document, local);
    const values = found.length === 0 ? [RAW_NULL] : found;
    const equal = membership(foreign, values, this.#context.scope.order);
    return filterOf(also === undefined ? equal : conjunction([equal, also.predicate]));
  }
}

const NO_SOURCE: Source = { next: () => undefined, close: () => {} };

function tooLarge(): CommandError {
  return new CommandError(4568, 'Total size of documents in $lookup matching pipeline exceeds maximum document size');
}
