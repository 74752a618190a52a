/** `$setWindowFields`: fields computed from neighbouring documents. */
import { CommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { compileExpression, type Expression, type ExpressionScope } from '../expression.ts';
import { fieldPathComponents } from '../field_path.ts';
import { compileSort, type SortSpec } from '../sort.ts';
import { parseWindow } from '../window/bounds.ts';
import type { CompiledWindowFunction } from '../window/window_function.ts';
import { WINDOW_FUNCTION_BY_NAME } from '../window/window_functions.ts';
import { BlockingSource, type BlockingWork } from './blocking_source.ts';
import { MemoryBudget } from './memory_budget.ts';
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
    return { kind: 'other', open: (source) => new BlockingSource(source, new WindowWork(spec, context)) };
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
  if (output?.type !== BSON_TYPE.object) {
    throw new CommandError(40414, "BSON field '$setWindowFields.output' is missing but a required field");
  }
  return { partitionBy, sort, fields: fieldsOf(output, sort, scope) };
}

export function sortOf(stage: string, value: RawValue, { order }: ExpressionScope): SortSpec | undefined {
  if (value.type !== BSON_TYPE.object) {
    const type = typeAlias(value.type);
    throw new CommandError(
      'TypeMismatch',
      `BSON field '${stage}.sortBy' is the wrong type '${type}', expected type 'object'`,
    );
  }
  return compileSort(value.bytes.slice(value.start, value.end), order);
}

function fieldsOf(output: RawValue, sort: SortSpec | undefined, scope: ExpressionScope): WindowField[] {
  const fields: WindowField[] = [];
  const reader = new ElementReader(output.bytes, output.start);
  while (reader.next()) {
    const path = fieldPathComponents(reader.name()).map(fieldName);
    if (reader.type !== BSON_TYPE.object) throw failed(`The field '${reader.name()}' must be an object`);
    fields.push({ path, compiled: compileFunction(reader, sort, scope) });
  }
  return fields;
}

function compileFunction(
  spec: ElementReader,
  sort: SortSpec | undefined,
  scope: ExpressionScope,
): CompiledWindowFunction {
  let operator: string | undefined;
  let operand: RawValue | undefined;
  let windowValue: RawValue | undefined;
  const reader = new ElementReader(spec.bytes, spec.start);
  while (reader.next()) {
    const name = reader.name();
    if (name === 'window') {
      windowValue = reader.value();
    } else if (operator === undefined) {
      operator = name;
      operand = reader.value();
    } else {
      throw failed(`Window function found an unknown argument: ${name}`);
    }
  }
  const kind = operator === undefined ? undefined : WINDOW_FUNCTION_BY_NAME.get(operator);
  if (operand === undefined) throw failed('Expected a $-prefixed window function');
  if (kind === undefined) throw failed(`Unrecognized window function, ${operator}`);
  const sortFields = sort?.fields ?? [];
  const window = windowValue === undefined ? undefined : parseWindow(windowValue, sortFields);
  return kind.compile(operand, { scope, sortFields, window });
}

export class WindowWork implements BlockingWork {
  readonly #spec: WindowStageSpec;
  readonly #budget: MemoryBudget;
  readonly #partitions: Partitions;

  constructor(spec: WindowStageSpec, { scope, memory }: Pick<StageContext, 'scope' | 'memory'>) {
    this.#spec = spec;
    this.#budget = new MemoryBudget('$setWindowFields', memory, () => partitionTooLarge(memory.bytesMax));
    this.#partitions = new Partitions(spec.partitionBy, spec.sort, { scope, memory, budget: this.#budget });
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
      const functions = this.#spec.fields.map(({ path, compiled }) => ({
        path,
        values: compiled.open(partition, this.#budget),
      }));
      for (const [i, document] of partition.documents.entries()) {
        let result = document;
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

/** One partition has to fit. */
function partitionTooLarge(bytesMax: number): CommandError {
  return new CommandError(
    5414201,
    `Exceeded memory limit in $setWindowFields: one partition may take ${bytesMax} bytes`,
  );
}

function failed(message: string): CommandError {
  return new CommandError('FailedToParse', message);
}
