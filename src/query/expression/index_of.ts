/** `$indexOfBytes $indexOfCP $indexOfArray`: the first place in a range, -1 when there is none. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { utf8Of } from '../../bson/bytes.ts';
import { RAW_NULL, RAW_UNDEFINED, rawInt32 } from '../../bson/value.ts';
import { listOperator } from './arguments.ts';
import { isArray, isNullish, typeNameOf } from './build.ts';
import { codePointsOf, indexOperand, textOfString } from './text.ts';
import type { Value } from './types.ts';

const COUNT = { min: 2, max: 4 };

function stringOperand(name: string, value: Value, code: number, which: string): string {
  const text = textOfString(value);
  if (text !== undefined) return text;
  throw new CommandError(code, `${name} requires a string as the ${which} argument, found: ${typeNameOf(value)}`);
}

export const indexOfBytesOperator = listOperator(
  '$indexOfBytes',
  (values) => {
    const name = '$indexOfBytes';
    if (isNullish(values[0])) return RAW_NULL;
    const text = utf8Of(stringOperand(name, values[0], 40091, 'first'));
    const sought = utf8Of(stringOperand(name, values[1], 40092, 'second'));
    const start = values.length > 2 ? indexOperand(name, values[2], 'starting') : 0;
    const end = Math.min(text.length, values.length > 3 ? indexOperand(name, values[3], 'ending') : text.length);
    return rawInt32(placeOf(text, sought, start, end));
  },
  COUNT,
);

function placeOf(text: Uint8Array, sought: Uint8Array, start: number, end: number): number {
  for (let at = start; at + sought.length <= end; at++) {
    let i = 0;
    while (i < sought.length && text[at + i] === sought[i]) i++;
    if (i === sought.length) return at;
  }
  return -1;
}

/** The end bounds where a match may begin, not where it ends; in an empty text an empty one is always at 0. */
export const indexOfCPOperator = listOperator(
  '$indexOfCP',
  (values) => {
    const name = '$indexOfCP';
    if (isNullish(values[0])) return RAW_NULL;
    const text = stringOperand(name, values[0], 40093, 'first');
    const sought = stringOperand(name, values[1], 40094, 'second');
    const start = values.length > 2 ? indexOperand(name, values[2], 'starting') : 0;
    const characters = codePointsOf(text);
    const last = values.length > 3 ? indexOperand(name, values[3], 'ending') : characters.length;
    if (text === '' && sought === '') return rawInt32(0);
    let at = characters.slice(0, start).join('').length;
    for (let i = start; i < Math.min(last, characters.length); i++) {
      if (text.startsWith(sought, at)) return rawInt32(i);
      at += characters[i].length;
    }
    return rawInt32(-1);
  },
  COUNT,
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
