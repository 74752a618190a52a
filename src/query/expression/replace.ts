/** `$replaceOne $replaceAll`: exact texts, not patterns. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import { RAW_NULL, rawString } from '../../bson/value.ts';
import { isNullish } from './build.ts';
import { codePointsOf, shownValue, textOfString } from './text.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Expression, Value } from './types.ts';
import { checkTextSize } from './value_limits.ts';

const OPERANDS = ['input', 'find', 'replacement'];
const MISSING_CODES = [51749, 51748, 51747];
const TYPE_CODES = [51746, 51745, 51744];

/** Not computed while compiling. */
function replaceOperator(
  name: `$${string}`,
  replace: (input: string, find: string, replacement: string) => string,
): ExpressionOperator {
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
      return {
        constant: undefined,
        evaluate(root) {
          const texts = parts.map((part, i) => textOrNull(name, part.evaluate(root), i));
          const [input, find, replacement] = texts;
          if (input === undefined || find === undefined || replacement === undefined) return RAW_NULL;
          return rawString(replace(input, find, replacement));
        },
      };
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

export const replaceOneOperator = replaceOperator('$replaceOne', (input, find, replacement) => {
  const at = input.indexOf(find);
  return at < 0 ? input : input.slice(0, at) + replacement + input.slice(at + find.length);
});

function occurrences(text: string, find: string): number {
  let count = 0;
  for (let at = text.indexOf(find); at >= 0; at = text.indexOf(find, at + find.length)) count++;
  return count;
}

/** An empty text is found before every character and at the end. */
export const replaceAllOperator = replaceOperator('$replaceAll', (input, find, replacement) => {
  if (find !== '') {
    checkTextSize(input.length + occurrences(input, find) * (replacement.length - find.length));
    // A dollar sign would mean something; a function for each place takes much longer.
    return input.replaceAll(find, replacement.replaceAll('$', '$$$$'));
  }
  checkTextSize(input.length * (replacement.length + 1));
  return (
    replacement +
    codePointsOf(input)
      .map((character) => character + replacement)
      .join('')
  );
});
