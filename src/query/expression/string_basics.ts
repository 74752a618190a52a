/** `$concat $toLower $toUpper $strcasecmp $strLenBytes $strLenCP $split`. Cases are those of ASCII. */
import { CommandError } from '../../base/command_error.ts';
import { RAW_NULL, rawInt32, rawString, type RawValue } from '../../bson/value.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { binaryOperator, compileAll, exactOperands, folded, lazyOperator, unaryOperator } from './arguments.ts';
import { isNullish, typeNameOf } from './build.ts';
import { ItemList } from './item_list.ts';
import { ByteSearch } from './byte_search.ts';
import { textOfString } from './text.ts';
import { coercedBytes, stringBytes, stringOfBytes } from './text_bytes.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Value } from './types.ts';
import { checkTextSize } from './value_limits.ts';
import { loopOf } from './work.ts';

/** A BSON string value has its length, its bytes and a NUL. */
const STRING_OVERHEAD_BYTES = 5;

export const concatOperator = lazyOperator('$concat', (parts, root) => {
  const texts: string[] = [];
  let length = 0;
  for (const part of parts) {
    const value = part.evaluate(root);
    if (isNullish(value)) return RAW_NULL;
    const text = textOfString(value);
    if (text === undefined) throw new CommandError(16702, `$concat only supports strings, not ${typeNameOf(value)}`);
    length += text.length;
    checkTextSize(length);
    texts.push(text);
  }
  const result = rawString(texts.join(''));
  checkTextSize(result.end - result.start);
  return result;
});

const CASE_BIT = 0x20;

/** A string of its own with the letters of one case, from `first` on, in the other. */
function withCase(text: Uint8Array, first: 'a' | 'A'): RawValue {
  const value = stringOfBytes(text);
  const { bytes, start, end } = value;
  const from = first.charCodeAt(0);
  for (let i = start + STRING_START; i < end - 1; i++) {
    const byte = bytes[i];
    if (byte >= from && byte < from + LETTERS) bytes[i] = byte ^ CASE_BIT;
  }
  return value;
}

const STRING_START = 4;
const LETTERS = 26;

export const toUpperOperator = unaryOperator('$toUpper', (value) => withCase(coercedBytes(value), 'a'));
export const toLowerOperator = unaryOperator('$toLower', (value) => withCase(coercedBytes(value), 'A'));

export const strcasecmpOperator = binaryOperator('$strcasecmp', (left, right, _scope) =>
  rawInt32(order(coercedBytes(left), coercedBytes(right))),
);

/** By bytes of UTF-8 in upper case, which is by code points. */
function order(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = a[i] === b[i] ? 0 : upper(a[i]) - upper(b[i]);
    if (difference !== 0) return Math.sign(difference);
  }
  return Math.sign(a.length - b.length);
}

function upper(byte: number): number {
  return byte >= LOWER_A && byte < LOWER_A + LETTERS ? byte ^ CASE_BIT : byte;
}

const LOWER_A = 0x61;

function lengthOperator(name: `$${string}`, code: number, lengthOf: (value: RawValue) => number): ExpressionOperator {
  return unaryOperator(name, (value) => {
    if (value?.type === BSON_TYPE.string) return rawInt32(lengthOf(value));
    throw new CommandError(code, `${name} requires a string argument, found: ${typeNameOf(value)}`);
  });
}

export const strLenBytesOperator = lengthOperator(
  '$strLenBytes',
  34473,
  (value) => value.end - value.start - STRING_OVERHEAD_BYTES,
);

export const strLenCPOperator = lengthOperator('$strLenCP', 34471, (value) => {
  let length = 0;
  for (let i = value.start + 4; i < value.end - 1; i++) if ((value.bytes[i] & 0xc0) !== 0x80) length++;
  return length;
});

interface Splitting {
  readonly text: Uint8Array;
  readonly cut: Uint8Array;
  readonly search: ByteSearch;
  readonly pieces: ItemList;
  /** Where the next piece begins. */
  from: number;
}

export const splitOperator: ExpressionOperator = {
  name: '$split',
  compile(operand, scope) {
    const parts = compileAll(exactOperands('$split', operand, 2), scope);
    const split = loopOf<Splitting>(scope.work, {
      start(root) {
        const [input, separator] = parts.map((part) => part.evaluate(root));
        if (isNullish(input) || isNullish(separator)) return RAW_NULL;
        const text = bytesOf(input, 40085, 'first');
        const cut = bytesOf(separator, 40086, 'second');
        if (cut.length === 0) throw new CommandError(40087, '$split requires a non-empty separator');
        return { text, cut, search: new ByteSearch(text, cut), pieces: new ItemList('$split'), from: 0 };
      },
      step: cutOff,
      end: ({ pieces }) => pieces.array(),
    });
    return folded(parts, split);
  },
};

/** Bytes looked at between two looks at the clock. */
const BYTES_PER_STEP = 16_384;

function cutOff(splitting: Splitting): boolean {
  const { text, cut, search, pieces, from } = splitting;
  const at = search.find(BYTES_PER_STEP);
  if (at === undefined) return true;
  pieces.push(stringOfBytes(text, from, at < 0 ? text.length : at));
  splitting.from = at + cut.length;
  return at >= 0;
}

function bytesOf(value: Value, code: number, which: string): Uint8Array {
  const text = stringBytes(value);
  if (text !== undefined) return text;
  const found = typeNameOf(value);
  throw new CommandError(
    code,
    `$split requires an expression that evaluates to a string as a ${which} argument, found: ${found}`,
  );
}
