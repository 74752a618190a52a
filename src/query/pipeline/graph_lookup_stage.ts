/** `$graphLookup`: the documents that can be reached from a value, step by step. */
import { CommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType, typeAlias } from '../../bson/types.ts';
import { isWholeNumber, numberOf, rawInt64, rawObject, stringOf, type RawValue } from '../../bson/value.ts';
import { describeDocument } from '../describe.ts';
import { compileExpression, type Expression, type ExpressionScope } from '../expression.ts';
import { fieldPathComponents } from '../field_path.ts';
import { existence } from '../match/exists_operator.ts';
import { membership } from '../match/in_operator.ts';
import { filterPath, type FilterPath } from '../match/path.ts';
import { conjunction } from '../match/predicate.ts';
import { nearNotAllowed, specialConditionsOf } from '../match/special_conditions.ts';
import { compileFilter, filterOf, type CompiledFilter } from '../matcher.ts';
import { itemsOf, rawArrayOf } from '../update/array_value.ts';
import { BINARY_ORDER } from '../value_order.ts';
import { MemoryBudget } from './memory_budget.ts';
import { valuesAtPath } from './path_values.ts';
import { withValueAt } from './set_at_path.ts';
import { PAUSE, type Source } from './source.ts';
import type { StageContext, StageKind } from './stage.ts';
import { foreignNamespace } from './sub_pipeline.ts';

interface GraphSpec {
  readonly ns: string;
  readonly as: readonly Uint8Array[];
  readonly startWith: Expression;
  readonly connectFrom: FilterPath;
  readonly connectTo: string;
  readonly depthField: readonly Uint8Array[] | undefined;
  /** Infinity when there is none. */
  readonly maxDepth: number;
  readonly restriction: CompiledFilter | undefined;
}

export const graphLookupStage: StageKind = {
  name: '$graphLookup',
  isOneByOne: true,
  parse(operand, context) {
    const spec = parseSpec(operand, context);
    return { kind: 'other', open: (source) => new GraphSource(source, spec, context) };
  },
};

const TEXTS = new Set(['from', 'as', 'connectFromField', 'connectToField', 'depthField']);

function parseSpec(operand: RawValue, context: StageContext): GraphSpec {
  if (operand.type !== BSON_TYPE.object) {
    const type = typeAlias(operand.type);
    throw new CommandError(
      'FailedToParse',
      `the $graphLookup stage specification must be an object, but found ${type}`,
    );
  }
  const texts = new Map<string, string>();
  const { scope } = context;
  let startWith: Expression | undefined;
  let maxDepth = Infinity;
  let restriction: CompiledFilter | undefined;
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const name = reader.name();
    if (name === 'startWith') startWith = compileExpression(reader.value(), scope);
    else if (name === 'maxDepth') maxDepth = depthOf(reader.value());
    else if (name === 'restrictSearchWithMatch') restriction = restrictionOf(reader.value(), scope);
    else texts.set(name, textOf(name, reader.value()));
  }
  const from = texts.get('from');
  if (from === undefined) {
    const shown = describeDocument(operand.bytes, operand.start);
    throw new CommandError('FailedToParse', `missing 'from' option to $graphLookup stage specification: ${shown}`);
  }
  const [as, connectFrom, connectTo] = ['as', 'connectFromField', 'connectToField'].map((name) => texts.get(name));
  if (startWith === undefined || as === undefined || connectFrom === undefined || connectTo === undefined) {
    throw new CommandError(
      40105,
      "$graphLookup requires 'from', 'as', 'startWith', 'connectFromField', and 'connectToField' to be specified.",
    );
  }
  fieldPathComponents(connectFrom);
  fieldPathComponents(connectTo);
  const depthField = texts.get('depthField');
  return {
    ns: foreignNamespace('$graphLookup', context.db, from),
    as: fieldPathComponents(as).map(fieldName),
    startWith,
    connectFrom: filterPath(connectFrom),
    connectTo,
    depthField: depthField === undefined ? undefined : fieldPathComponents(depthField).map(fieldName),
    maxDepth,
    restriction,
  };
}

function textOf(name: string, value: RawValue): string {
  if (!TEXTS.has(name)) throw new CommandError(40104, `Unknown argument to $graphLookup: ${name}`);
  if (value.type === BSON_TYPE.string) return stringOf(value);
  const type = typeAlias(value.type);
  if (name === 'from')
    throw new CommandError('FailedToParse', `$graphLookup 'from' field must be a string, but found ${type}`);
  throw new CommandError(40103, `expected string as argument for ${name}, found: ${type}`);
}

function depthOf(value: RawValue): number {
  if (!isNumericType(value.type)) {
    throw new CommandError(40100, `maxDepth must be numeric, found type: ${typeAlias(value.type)}`);
  }
  if (numberOf(value) < 0)
    throw new CommandError(40101, `maxDepth requires a nonnegative argument, found: ${numberOf(value)}`);
  if (!isWholeNumber(value)) {
    throw new CommandError(40102, `maxDepth could not be represented as a long long: ${numberOf(value)}`);
  }
  return numberOf(value);
}

function restrictionOf(value: RawValue, scope: ExpressionScope): CompiledFilter {
  if (value.type !== BSON_TYPE.object) {
    throw new CommandError(40185, `restrictSearchWithMatch must be an object, found ${typeAlias(value.type)}`);
  }
  const filter = compileFilter(value.bytes.slice(value.start, value.end), scope);
  const { nears, texts } = specialConditionsOf(filter.predicate);
  if (nears > 0) throw nearNotAllowed();
  if (texts > 0) throw new CommandError('BadValue', '$text is not allowed in this context');
  return filter;
}

const ID = fieldName('_id');

function memoryExhausted(): CommandError {
  return new CommandError(40099, '$graphLookup reached maximum memory consumption');
}

/** One search, breadth first: all of one depth before the next. */
class Search {
  readonly document: Uint8Array;
  readonly #spec: GraphSpec;
  readonly #context: StageContext;
  readonly #memory: MemoryBudget;
  /** Values that were looked for, and documents that were found. */
  readonly #known = new Set<string>();
  readonly #found = new Map<string, RawValue>();
  #frontier: RawValue[] = [];
  #depth = 0;
  #step: Source | undefined;

  constructor(document: Uint8Array, spec: GraphSpec, context: StageContext) {
    this.document = document;
    this.#memory = new MemoryBudget('$graphLookup', context.memory, memoryExhausted);
    this.#spec = spec;
    this.#context = context;
    const start = spec.startWith.evaluate(document);
    if (start !== undefined)
      for (const value of start.type === BSON_TYPE.array ? itemsOf(start) : [start]) this.#reach(value);
  }

  /** The result, or PAUSE. */
  advance(): Uint8Array | typeof PAUSE {
    for (;;) {
      if (this.#step === undefined) {
        if (this.#frontier.length === 0 || this.#depth > this.#spec.maxDepth) return this.#result();
        this.#step = this.#open();
      }
      const found = this.#step.next();
      if (found === PAUSE) return PAUSE;
      if (found === undefined) {
        this.close();
        this.#depth++;
      } else {
        this.#visit(found);
      }
    }
  }

  close(): void {
    this.#step?.close();
    this.#step = undefined;
  }

  /** Null reaches null, not what is missing. */
  #open(): Source {
    const { ns, connectTo, restriction } = this.#spec;
    const conditions = [membership(connectTo, this.#frontier, this.#context.scope.order)];
    if (this.#frontier.some(({ type }) => type === BSON_TYPE.null)) conditions.push(existence(connectTo));
    if (restriction !== undefined) conditions.push(restriction.predicate);
    this.#frontier = [];
    const filter = filterOf(conjunction(conditions));
    return this.#context.collections.open(ns, { filter, sort: undefined, skip: 0, limit: Infinity, stages: 0 });
  }

  /** Documents are known by their `_id`, whatever the collation. */
  #visit(document: Uint8Array): void {
    const { connectFrom, depthField } = this.#spec;
    const id = findField(document, ID);
    const key = id === undefined ? String(this.#found.size) : BINARY_ORDER.keyOf(id);
    if (this.#found.has(key)) return;
    this.#memory.take(document.length + key.length);
    const shown =
      depthField === undefined ? document : withValueAt(document, depthField, rawInt64(BigInt(this.#depth)));
    this.#found.set(key, rawObject(shown));
    for (const value of valuesAtPath(document, connectFrom)) this.#reach(value);
  }

  #reach(value: RawValue): void {
    const key = this.#context.scope.order.keyOf(value);
    if (this.#known.has(key)) return;
    this.#memory.take(key.length);
    this.#known.add(key);
    this.#frontier.push(value);
  }

  #result(): Uint8Array {
    return withValueAt(this.document, this.#spec.as, rawArrayOf([...this.#found.values()]));
  }
}

class GraphSource implements Source {
  readonly #source: Source;
  readonly #spec: GraphSpec;
  readonly #context: StageContext;
  #search: Search | undefined;

  constructor(source: Source, spec: GraphSpec, context: StageContext) {
    this.#source = source;
    this.#spec = spec;
    this.#context = context;
  }

  next(): ReturnType<Source['next']> {
    if (this.#search === undefined) {
      const document = this.#source.next();
      if (document === undefined || document === PAUSE) return document;
      this.#search = new Search(document, this.#spec, this.#context);
    }
    const result = this.#search.advance();
    if (result !== PAUSE) this.#search = undefined;
    return result;
  }

  close(): void {
    this.#search?.close();
    this.#source.close();
  }
}
