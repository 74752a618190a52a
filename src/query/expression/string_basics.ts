/** `$concat $toLower $toUpper $strcasecmp $strLenBytes $strLenCP $split`. Cases are those of ASCII. */
import { CommandError } from '../../base/command_error.ts';
import { RAW_NULL, rawInt32, rawString, type RawValue } from '../../bson/value.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { binaryOperator, compileAll, exactOperands, folded, lazyOperator, unaryOperator } from './arguments.ts';
import { isNullish, typeNameOf } from './build.ts';
import { ItemList } from './item_list.ts';
import { coerceToString, textOfString } from './text.ts';
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
function withCase(text: string, first: 'a' | 'A'): RawValue {
  const value = rawString(text);
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

export const toUpperOperator = unaryOperator('$toUpper', (value) => withCase(coerceToString(value), 'a'));
export const toLowerOperator = unaryOperator('$toLower', (value) => withCase(coerceToString(value), 'A'));

export const strcasecmpOperator = binaryOperator('$strcasecmp', (left, right, _scope) =>
  rawInt32(order(withCase(coerceToString(left), 'a'), withCase(coerceToString(right), 'a'))),
);

/** By bytes of UTF-8, which is by code points. */
function order(a: RawValue, b: RawValue): number {
  const length = Math.min(a.end - a.start, b.end - b.start) - 1;
  for (let i = STRING_START; i < length; i++) {
    const difference = a.bytes[a.start + i] - b.bytes[b.start + i];
    if (difference !== 0) return Math.sign(difference);
  }
  return Math.sign(a.end - a.start - (b.end - b.start));
}

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
  readonly text: string;
  readonly cut: string;
  readonly pieces: ItemList;
  /** Where the next piece begins; undefined behind the last. */
  from: number | undefined;
}

export const splitOperator: ExpressionOperator = {
  name: '$split',
  compile(operand, scope) {
    const parts = compileAll(exactOperands('$split', operand, 2), scope);
    const split = loopOf<Splitting>(scope.work, {
      start(root) {
        const [input, separator] = parts.map((part) => part.evaluate(root));
        if (isNullish(input) || isNullish(separator)) return RAW_NULL;
        const text = textOf(input, 40085, 'first');
        const cut = textOf(separator, 40086, 'second');
        if (cut === '') throw new CommandError(40087, '$split requires a non-empty separator');
        return { text, cut, pieces: new ItemList('$split'), from: 0 };
      },
      step: cutOff,
      end: ({ pieces }) => pieces.array(),
    });
    return folded(parts, split);
  },
};

function cutOff(splitting: Splitting): boolean {
  const { text, cut, pieces, from } = splitting;
  if (from === undefined) return false;
  const at = text.indexOf(cut, from);
  pieces.push(rawString(at < 0 ? text.slice(from) : text.slice(from, at)));
  splitting.from = at < 0 ? undefined : at + cut.length;
  return at >= 0;
}

function textOf(value: Value, code: number, which: string): string {
  const text = textOfString(value);
  if (text !== undefined) return text;
  const found = typeNameOf(value);
  throw new CommandError(
    code,
    `$split requires an expression that evaluates to a string as a ${which} argument, found: ${found}`,
  );
}
