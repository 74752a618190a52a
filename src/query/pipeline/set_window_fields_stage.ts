/** `$setWindowFields`: fields computed from neighbouring documents. */
import { CommandError } from '../../base/command_error.ts';
import { invariant } from '../../base/invariant.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { compileExpression, type Expression, type ExpressionScope } from '../expression.ts';
import { fieldPathComponents } from '../field_path.ts';
import { compileSort, type SortSpec } from '../sort.ts';
import { parseWindow } from '../window/bounds.ts';
import type { CompiledWindowFunction, WindowFunctionKind } from '../window/window_function.ts';
import { WINDOW_FUNCTION_BY_NAME } from '../window/window_functions.ts';
import { BlockingSource, type BlockingWork } from './blocking_source.ts';
import { MemoryBudget, type StageMemory } from './memory_budget.ts';
import { Partitions } from './partitions.ts';
import { withValueAt } from './set_at_path.ts';
import { PAUSE } from './source.ts';
import type { StageContext, StageKind } from './stage.ts';

/** Documents between two pauses. */
const RUN_DOCUMENTS = 64;

export interface WindowField {
  readonly path: readonly Uint8Array[];
  readonly compiled: CompiledWindowFunction;
}

export interface WindowStageSpec {
  readonly partitionBy: Expression | undefined;
  readonly sort: SortSpec | undefined;
  readonly fields: readonly WindowField[];
}

export const setWindowFieldsStage: StageKind = {
  name: '$setWindowFields',
  parse(operand, context) {
    const spec = parseSpec(operand, context.scope);
    return {
      kind: 'other',
      open: (source) => new BlockingSource(source, new WindowWork(spec, context), context.scope),
    };
  },
};

function parseSpec(operand: RawValue, scope: ExpressionScope): WindowStageSpec {
  if (operand.type !== BSON_TYPE.object) {
    const type = typeAlias(operand.type);
    throw failed(`the $setWindowFields stage specification must be an object, found ${type}`);
  }
  let partitionBy: Expression | undefined;
  let sort: SortSpec | undefined;
  let output: RawValue | undefined;
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const name = reader.name();
    if (name === 'partitionBy') partitionBy = compileExpression(reader.value(), scope);
    else if (name === 'sortBy') sort = sortOf('$setWindowFields', reader.value(), scope);
    else if (name === 'output') output = reader.value();
    else throw new CommandError(40415, `BSON field '$setWindowFields.${name}' is an unknown field.`);
  }
  checkOutput('$setWindowFields', output);
  const fields = fieldsOf(output, sort, scope);
  checkPartitionBy(partitionBy);
  return { partitionBy, sort, fields };
}

/** Throws unless it is there and an object. */
export function checkOutput(stage: string, output: RawValue | undefined): asserts output is RawValue {
  if (output === undefined) {
    throw new CommandError(40414, `BSON field '${stage}.output' is missing but a required field`);
  }
  checkObject(`${stage}.output`, output);
}

function checkPartitionBy(partitionBy: Expression | undefined): void {
  if (partitionBy?.constant?.type === BSON_TYPE.array) {
    throw new CommandError('TypeMismatch', 'An expression used to partition cannot evaluate to value of type array');
  }
}

function checkObject(field: string, value: RawValue): void {
  if (value.type === BSON_TYPE.object) return;
  const type = typeAlias(value.type);
  throw new CommandError('TypeMismatch', `BSON field '${field}' is the wrong type '${type}', expected type 'object'`);
}

export function sortOf(stage: string, value: RawValue, { order }: ExpressionScope): SortSpec | undefined {
  checkObject(`${stage}.sortBy`, value);
  return compileSort(value.bytes.slice(value.start, value.end), order);
}

function fieldsOf(output: RawValue, sort: SortSpec | undefined, scope: ExpressionScope): WindowField[] {
  const fields: WindowField[] = [];
  const names: string[] = [];
  const reader = new ElementReader(output.bytes, output.start);
  while (reader.next()) {
    const path = fieldPathComponents(reader.name()).map(fieldName);
    checkApart(reader.name(), names);
    names.push(reader.name());
    if (reader.type !== BSON_TYPE.object) throw failed(`The field '${reader.name()}' must be an object`);
    fields.push({ path, compiled: compileFunction(reader, sort, scope) });
  }
  return fields;
}

function checkApart(name: string, others: readonly string[]): void {
  const other = others.find((one) => `${one}.`.startsWith(`${name}.`) || `${name}.`.startsWith(`${one}.`));
  if (other === undefined) return;
  const message = `specification contains two conflicting paths. Cannot specify both '${name}' and '${other}'`;
  throw new CommandError(6307900, message);
}

function compileFunction(
  spec: ElementReader,
  sort: SortSpec | undefined,
  scope: ExpressionScope,
): CompiledWindowFunction {
  const kind = functionKindOf(spec);
  let operand: RawValue | undefined;
  let windowValue: RawValue | undefined;
  const reader = new ElementReader(spec.bytes, spec.start);
  while (reader.next()) {
    const name = reader.name();
    if (name === kind.name) operand = reader.value();
    else if (kind.standsAlone !== undefined) throw kind.standsAlone;
    else if (name === 'window') windowValue = reader.value();
    else throw failed(`Window function found an unknown argument: ${name}`);
  }
  invariant(operand !== undefined, 'the function was found by its name');
  const sortFields = sort?.fields ?? [];
  return kind.compile(operand, {
    scope,
    sortFields,
    hasWindow: windowValue !== undefined,
    window: () => (windowValue === undefined ? undefined : parseWindow(windowValue, { scope, sortFields })),
  });
}

/** By the first name that begins with $. */
function functionKindOf(spec: ElementReader): WindowFunctionKind {
  let first: string | undefined;
  const reader = new ElementReader(spec.bytes, spec.start);
  while (reader.next()) {
    const name = reader.name();
    first ??= name;
    if (!name.startsWith('$')) continue;
    const kind = WINDOW_FUNCTION_BY_NAME.get(name);
    if (kind === undefined) throw failed(`Unrecognized window function, ${name}`);
    return kind;
  }
  throw failed(`Expected a $-prefixed window function${first === undefined ? '' : `, ${first}`}`);
}

export class WindowWork implements BlockingWork {
  readonly #spec: WindowStageSpec;
  readonly #memory: StageMemory;
  readonly #partitions: Partitions;

  constructor(spec: WindowStageSpec, { scope, memory }: Pick<StageContext, 'scope' | 'memory'>) {
    this.#spec = spec;
    this.#memory = memory;
    this.#partitions = new Partitions(spec.partitionBy, spec.sort, { scope, memory });
  }

  add(document: Uint8Array): void {
    this.#partitions.add(document);
  }

  *results(): Iterator<Uint8Array | typeof PAUSE> {
    let run = 0;
    for (const partition of this.#partitions.sorted()) {
      if (partition === PAUSE) {
        yield PAUSE;
        continue;
      }
      const { bytesMax } = this.#memory;
      const budget = new MemoryBudget('$setWindowFields', this.#memory, () => functionsTooLarge(bytesMax));
      const functions = this.#spec.fields.map(({ path, compiled }) => ({
        path,
        values: compiled.open(partition, budget),
      }));
      for (let i = 0; i < partition.length; i++) {
        let result = partition.document(i);
        for (const { path, values } of functions) result = withValueAt(result, path, values(i));
        yield result;
        run++;
        if (run % RUN_DOCUMENTS === 0) yield PAUSE;
      }
    }
  }

  close(): void {
    this.#partitions.close();
  }
}

/** What the functions keep of one partition has to fit. */
function functionsTooLarge(bytesMax: number): CommandError {
  return new CommandError(5414201, `Exceeded memory limit in $setWindowFields, max allowed is ${bytesMax} bytes`);
}

function failed(message: string): CommandError {
  return new CommandError('FailedToParse', message);
}
