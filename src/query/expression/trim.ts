/** `$trim $ltrim $rtrim`: any of the given characters at the ends; white space when none are given. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import { RAW_NULL, rawString, type RawValue } from '../../bson/value.ts';
import { folded } from './arguments.ts';
import { isNullish, typeNameOf } from './build.ts';
import type { ExpressionScope } from './scope.ts';
import { codePointsOf, shownValue, textOfString } from './text.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Expression } from './types.ts';

/** Source: the manual, "$trim". */
const WHITE_SPACE: ReadonlySet<string> = new Set(
  '\0 \t\n\v\f\r\u00A0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200A',
);

type Ends = 'both' | 'left' | 'right';

function trimOperator(name: `$${string}`, ends: Ends): ExpressionOperator {
  return {
    name,
    compile(operand, scope) {
      const { input, characters } = parse(name, operand, scope);
      const parts = characters === undefined ? [input] : [input, characters];
      return folded(parts, (root) => {
        const value = input.evaluate(root);
        if (isNullish(value)) return RAW_NULL;
        const text = textOfString(value);
        if (text === undefined) throw notString(50699, `${name} requires its input to be a string`, value);
        if (characters === undefined) return rawString(trimmed(text, WHITE_SPACE, ends));
        const given = characters.evaluate(root);
        if (isNullish(given)) return RAW_NULL;
        const set = textOfString(given);
        if (set === undefined) throw notString(50700, `${name} requires 'chars' to be a string`, given);
        return rawString(trimmed(text, new Set(set), ends));
      });
    },
  };
}

export const trimBothOperator = trimOperator('$trim', 'both');
export const ltrimOperator = trimOperator('$ltrim', 'left');
export const rtrimOperator = trimOperator('$rtrim', 'right');

function parse(
  name: string,
  operand: RawValue,
  scope: ExpressionScope,
): { input: Expression; characters: Expression | undefined } {
  if (operand.type !== BSON_TYPE.object) {
    throw new CommandError(50696, `${name} only supports an object as an argument, found ${typeAlias(operand.type)}`);
  }
  let input: Expression | undefined;
  let characters: Expression | undefined;
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const key = reader.name();
    if (key === 'input') input = scope.compile(reader.value());
    else if (key === 'chars') characters = scope.compile(reader.value());
    else throw new CommandError(50694, `${name} found an unknown argument: ${key}`);
  }
  if (input === undefined) throw new CommandError(50695, `${name} requires an 'input' field`);
  return { input, characters };
}

function trimmed(text: string, set: ReadonlySet<string>, ends: Ends): string {
  const characters = codePointsOf(text);
  let start = 0;
  let end = characters.length;
  if (ends !== 'right') while (start < end && set.has(characters[start])) start++;
  if (ends !== 'left') while (end > start && set.has(characters[end - 1])) end--;
  return characters.slice(start, end).join('');
}

function notString(code: number, message: string, value: RawValue): CommandError {
  return new CommandError(code, `${message}, got ${shownValue(value)} (of type ${typeNameOf(value)}) instead.`);
}
