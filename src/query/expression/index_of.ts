/** `$indexOfBytes $indexOfCP $indexOfArray`: the first place in a range, -1 when there is none. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { RAW_NULL, RAW_UNDEFINED, rawInt32, type RawValue } from '../../bson/value.ts';
import { compileAll, countedOperands, folded, listOperator } from './arguments.ts';
import { isArray, isNullish, typeNameOf } from './build.ts';
import { ByteSearch } from './byte_search.ts';
import { indexOperand } from './text.ts';
import { afterCharacters, countCharacters, stringBytes } from './text_bytes.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Value } from './types.ts';
import { loopOf } from './work.ts';

const COUNT = { min: 2, max: 4 };

/** Bytes looked at between two looks at the clock. */
const BYTES_PER_STEP = 16_384;

interface Seeking {
  readonly text: Uint8Array;
  readonly search: ByteSearch;
  /** Where a match may begin: before that character. */
  readonly last: number;
  /** The place where the search begins, in characters and in bytes. */
  readonly start: number;
  readonly startByte: number;
  /** Undefined until it is known. */
  found: number | undefined;
}

/** An operator that looks for one string in another; `begin` has an answer at once where nothing is to be looked for. */
function indexOperator(
  name: `$${string}`,
  begin: (values: readonly Value[]) => RawValue | Seeking,
  indexOf: (state: Seeking, found: number) => number,
): ExpressionOperator {
  return {
    name,
    compile(operand, scope) {
      const parts = compileAll(countedOperands(name, operand, COUNT), scope);
      const seek = loopOf<Seeking>(scope.work, {
        start: (root) => begin(parts.map((part) => part.evaluate(root))),
        step(state) {
          state.found = state.search.find(BYTES_PER_STEP);
          return state.found === undefined;
        },
        end: (state) => rawInt32(state.found === undefined || state.found < 0 ? -1 : indexOf(state, state.found)),
      });
      return folded(parts, seek);
    },
  };
}

function stringOperand(name: string, value: Value, code: number, which: string): Uint8Array {
  const text = stringBytes(value);
  if (text !== undefined) return text;
  throw new CommandError(code, `${name} requires a string as the ${which} argument, found: ${typeNameOf(value)}`);
}

export const indexOfBytesOperator = indexOperator(
  '$indexOfBytes',
  (values) => {
    const name = '$indexOfBytes';
    if (isNullish(values[0])) return RAW_NULL;
    const text = stringOperand(name, values[0], 40091, 'first');
    const sought = stringOperand(name, values[1], 40092, 'second');
    const start = values.length > 2 ? indexOperand(name, values[2], 'starting') : 0;
    const end = Math.min(text.length, values.length > 3 ? indexOperand(name, values[3], 'ending') : text.length);
    if (sought.length === 0) return rawInt32(start <= end ? start : -1);
    const search = new ByteSearch(text, sought, start, end);
    return { text, search, last: Infinity, start, startByte: start, found: undefined };
  },
  (_state, found) => found,
);

/** The end bounds where a match may begin, not where it ends; in an empty text an empty one is always at 0. */
export const indexOfCPOperator = indexOperator(
  '$indexOfCP',
  (values) => {
    const name = '$indexOfCP';
    if (isNullish(values[0])) return RAW_NULL;
    const text = stringOperand(name, values[0], 40093, 'first');
    const sought = stringOperand(name, values[1], 40094, 'second');
    const start = values.length > 2 ? indexOperand(name, values[2], 'starting') : 0;
    const last = values.length > 3 ? indexOperand(name, values[3], 'ending') : Infinity;
    if (text.length === 0 && sought.length === 0) return rawInt32(0);
    const startByte = afterCharacters(text, start);
    if (sought.length === 0) return rawInt32(startByte < text.length && start < last ? start : -1);
    return { text, search: new ByteSearch(text, sought, startByte), last, start, startByte, found: undefined };
  },
  ({ text, last, start, startByte }, found) => {
    const index = start + countCharacters(text, startByte, found);
    return index < last ? index : -1;
  },
);

export const indexOfArrayOperator = listOperator(
  '$indexOfArray',
  (values, { order }) => {
    const name = '$indexOfArray';
    const [array, sought = RAW_UNDEFINED] = values;
    if (isNullish(array)) return RAW_NULL;
    if (!isArray(array)) {
      throw new CommandError(40090, `${name} requires an array as a first argument, found: ${typeNameOf(array)}`);
    }
    const start = values.length > 2 ? indexOperand(name, values[2], 'starting') : 0;
    const end = values.length > 3 ? indexOperand(name, values[3], 'ending') : Infinity;
    const reader = new ElementReader(array.bytes, array.start);
    for (let i = 0; i < end && reader.next(); i++) {
      if (i >= start && order.compare(reader, sought) === 0) return rawInt32(i);
    }
    return rawInt32(-1);
  },
  COUNT,
);
