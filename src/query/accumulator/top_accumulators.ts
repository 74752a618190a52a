/** `$top $topN $bottom $bottomN`: `{sortBy, output, n}`. */
import { CommandError } from '../../base/command_error.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { copyValue, RAW_NULL, type RawValue } from '../../bson/value.ts';
import { compileExpression, type ExpressionScope } from '../expression.ts';
import type { MemoryUser } from '../pipeline/memory_budget.ts';
import { compileSort, type SortSpec } from '../sort.ts';
import { placeAfterEqual } from './ordered_list.ts';
import { rawArrayOf } from '../update/array_value.ts';
import type { AccumulatorKind } from './accumulator.ts';
import { CountOperand, operandsByName, requiredOperand } from './count_operand.ts';

const ERRORS = { notObject: 5788001, unknown: 5788002 };

export const topAccumulator = singleAccumulator('$top', false);
export const bottomAccumulator = singleAccumulator('$bottom', true);
export const topNAccumulator = severalAccumulator('$topN', false);
export const bottomNAccumulator = severalAccumulator('$bottomN', true);

function singleAccumulator(name: `$${string}`, fromEnd: boolean): AccumulatorKind {
  return {
    name,
    compile(operand, scope) {
      const operands = operandsByName(name, operand, ['sortBy', 'output'], ERRORS);
      const { sort, output } = sortAndOutput(operands, scope);
      return {
        create(memory) {
          const ranking = new Ranking(sort, 1, fromEnd, memory);
          return {
            add: (document) => ranking.add(document, output.evaluate(document)),
            result: () => ranking.values()[0] ?? RAW_NULL,
          };
        },
      };
    },
  };
}

function severalAccumulator(name: `$${string}`, fromEnd: boolean): AccumulatorKind {
  return {
    name,
    compile(operand, scope) {
      const operands = operandsByName(name, operand, ['n', 'sortBy', 'output'], ERRORS);
      const n = new CountOperand(requiredOperand(operands, 'n', 5788003), scope);
      const { sort, output } = sortAndOutput(operands, scope);
      return {
        readsId: !n.isConstant,
        create(memory, id) {
          const ranking = new Ranking(sort, n.of(id), fromEnd, memory);
          return {
            add: (document) => ranking.add(document, output.evaluate(document)),
            result: () => rawArrayOf(ranking.values()),
          };
        },
      };
    },
  };
}

function sortAndOutput(operands: ReadonlyMap<string, RawValue>, scope: ExpressionScope) {
  const output = compileExpression(requiredOperand(operands, 'output', 5788004), scope);
  const sortBy = requiredOperand(operands, 'sortBy', 5788005);
  const isObject = sortBy.type === BSON_TYPE.object;
  if (!isObject) throw new CommandError(10065, 'invalid parameter: expected an object (sortBy)');
  const sort = compileSort(sortBy.bytes.slice(sortBy.start, sortBy.end), scope.order);
  if (sort === undefined) throw new CommandError(15976, '$sort stage must have at least one sort key');
  return { sort, output };
}

interface Ranked {
  readonly key: Uint8Array;
  readonly value: RawValue;
}

/** The first or last `n` values in the order of their documents; of equal ones the first come first. */
class Ranking {
  readonly #sort: SortSpec;
  readonly #n: number;
  readonly #fromEnd: boolean;
  readonly #memory: MemoryUser;
  readonly #ranked: Ranked[] = [];

  constructor(sort: SortSpec, n: number, fromEnd: boolean, memory: MemoryUser) {
    this.#sort = sort;
    this.#n = n;
    this.#fromEnd = fromEnd;
    this.#memory = memory;
  }

  add(document: Uint8Array, value: RawValue | undefined): void {
    const key = this.#sort.key(document, 0);
    const ranked = this.#ranked;
    const at = placeAfterEqual(ranked, (other) => this.#sort.compare(other.key, key));
    if (!this.#fromEnd && at >= this.#n) return;
    if (this.#fromEnd && at === 0 && ranked.length >= this.#n) return;
    const entry = { key, value: value === undefined ? RAW_NULL : copyValue(value) };
    this.#memory.take(sizeOf(entry));
    ranked.splice(at, 0, entry);
    if (ranked.length <= this.#n) return;
    const dropped = this.#fromEnd ? ranked.shift() : ranked.pop();
    if (dropped !== undefined) this.#memory.give(sizeOf(dropped));
  }

  values(): RawValue[] {
    return this.#ranked.map(({ value }) => value);
  }
}

function sizeOf({ key, value }: Ranked): number {
  return key.length + value.end - value.start;
}
