/** `$replaceOne $replaceAll`: exact texts, not patterns. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import { RAW_NULL, rawString, type RawValue } from '../../bson/value.ts';
import { isNullish } from './build.ts';
import { codePointsOf, shownValue, textOfString } from './text.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Expression, Value } from './types.ts';
import { checkTextSize } from './value_limits.ts';
import { loopOf } from './work.ts';

const OPERANDS = ['input', 'find', 'replacement'];
const MISSING_CODES = [51749, 51748, 51747];
const TYPE_CODES = [51746, 51745, 51744];

interface Texts {
  readonly input: string;
  readonly find: string;
  readonly replacement: string;
}

interface Replacing extends Texts {
  /** Where the next place is sought. */
  from: number;
  /** What was made of the text before, and how long that is. */
  readonly made: string[];
  length: number;
}

/** Not computed while compiling. */
function replaceOperator(name: `$${string}`, begin: (texts: Texts) => RawValue | Replacing): ExpressionOperator {
  return {
    name,
    compile(operand, scope) {
      if (operand.type !== BSON_TYPE.object) {
        throw new CommandError(51751, `${name} requires an object as an argument, found: ${typeAlias(operand.type)}`);
      }
      const found: (Expression | undefined)[] = [undefined, undefined, undefined];
      const reader = new ElementReader(operand.bytes, operand.start);
      while (reader.next()) {
        const index = OPERANDS.indexOf(reader.name());
        if (index < 0) throw new CommandError(51750, `${name} found an unknown argument: ${reader.name()}`);
        found[index] = scope.compile(reader.value());
      }
      const parts = found.map((part, i) => {
        if (part !== undefined) return part;
        throw new CommandError(MISSING_CODES[i], `${name} requires '${OPERANDS[i]}' to be specified`);
      });
      const evaluate = loopOf<Replacing>(scope.work, {
        start(root) {
          const texts = parts.map((part, i) => textOrNull(name, part.evaluate(root), i));
          const [input, find, replacement] = texts;
          if (input === undefined || find === undefined || replacement === undefined) return RAW_NULL;
          return begin({ input, find, replacement });
        },
        step: replaceNext,
        end: ({ made }) => rawString(made.join('')),
      });
      return { constant: undefined, evaluate };
    },
  };
}

function textOrNull(name: string, value: Value, index: number): string | undefined {
  if (isNullish(value)) return undefined;
  const text = textOfString(value);
  if (text !== undefined) return text;
  const message = `${name} requires that '${OPERANDS[index]}' be a string, found: ${shownValue(value)}`;
  throw new CommandError(TYPE_CODES[index], message);
}

export const replaceOneOperator = replaceOperator('$replaceOne', ({ input, find, replacement }) => {
  const at = input.indexOf(find);
  return rawString(at < 0 ? input : input.slice(0, at) + replacement + input.slice(at + find.length));
});

/** An empty text is found before every character and at the end. */
export const replaceAllOperator = replaceOperator('$replaceAll', ({ input, find, replacement }) => {
  if (find !== '') return { input, find, replacement, from: 0, made: [], length: 0 };
  checkTextSize(input.length * (replacement.length + 1));
  const characters = codePointsOf(input).map((character) => character + replacement);
  return rawString(replacement + characters.join(''));
});

/** Places between two looks at the clock. */
const PLACES_PER_STEP = 1024;

function replaceNext(state: Replacing): boolean {
  const { input, find, replacement } = state;
  const pieces: string[] = [];
  let { from } = state;
  let isEnd = false;
  for (let i = 0; i < PLACES_PER_STEP && !isEnd; i++) {
    const at = input.indexOf(find, from);
    isEnd = at < 0;
    if (isEnd) pieces.push(input.slice(from));
    else pieces.push(input.slice(from, at), replacement);
    from = at + find.length;
  }
  const piece = pieces.join('');
  state.made.push(piece);
  state.from = from;
  state.length += piece.length;
  checkTextSize(state.length);
  return !isEnd;
}
