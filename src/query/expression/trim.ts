/** `$trim $ltrim $rtrim`: any of the given characters at the ends; white space when none are given. */
import { CommandError } from '../../base/command_error.ts';
import { utf8Of } from '../../bson/bytes.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import { RAW_NULL, type RawValue } from '../../bson/value.ts';
import { folded } from './arguments.ts';
import { isNullish, typeNameOf } from './build.ts';
import type { ExpressionScope } from './scope.ts';
import { shownValue } from './text.ts';
import { afterCharacter, beforeCharacter, stringBytes, stringOfBytes } from './text_bytes.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Expression } from './types.ts';
import { loopOf } from './work.ts';

/** Source: the manual, "$trim". */
const WHITE_SPACE = new Set(
  Array.from('\0 \t\n\v\f\r\u00A0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200A').map(codeOf),
);

/** Characters between two looks at the clock. */
const CHARACTERS_PER_STEP = 4096;

/** What is left of a text. */
interface Trimming {
  readonly text: Uint8Array;
  /** Characters that go, as numbers of their bytes. */
  readonly set: ReadonlySet<number>;
  start: number;
  end: number;
  /** Whether nothing more goes there. */
  isLeftDone: boolean;
  isRightDone: boolean;
}

type Ends = 'both' | 'left' | 'right';

function trimOperator(name: `$${string}`, ends: Ends): ExpressionOperator {
  return {
    name,
    compile(operand, scope) {
      const { input, characters } = parse(name, operand, scope);
      const parts = characters === undefined ? [input] : [input, characters];
      const trim = loopOf<Trimming>(scope.work, {
        start(root) {
          const value = input.evaluate(root);
          if (isNullish(value)) return RAW_NULL;
          const text = stringBytes(value);
          if (text === undefined) throw notString(50699, `${name} requires its input to be a string`, value);
          const given = characters?.evaluate(root);
          if (characters !== undefined && isNullish(given)) return RAW_NULL;
          const set = given === undefined ? WHITE_SPACE : setOf(name, given);
          const isLeftDone = ends === 'right';
          return { text, set, start: 0, end: text.length, isLeftDone, isRightDone: ends === 'left' };
        },
        step: trimOn,
        end: ({ text, start, end }) => stringOfBytes(text, start, end),
      });
      return folded(parts, trim);
    },
  };
}

function setOf(name: string, given: RawValue): ReadonlySet<number> {
  const text = stringBytes(given);
  if (text === undefined) throw notString(50700, `${name} requires 'chars' to be a string`, given);
  const set = new Set<number>();
  for (let at = 0; at < text.length;) {
    const end = afterCharacter(text, at);
    set.add(numberOf(text, at, end));
    at = end;
  }
  return set;
}

/** A character by its bytes, which are four at most. */
function numberOf(utf8: Uint8Array, start: number, end: number): number {
  let number = 0;
  for (let at = start; at < end; at++) number = number * 256 + utf8[at];
  return number;
}

function codeOf(character: string): number {
  const utf8 = utf8Of(character);
  return numberOf(utf8, 0, utf8.length);
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

function trimOn(state: Trimming): boolean {
  const { text, set } = state;
  for (let i = 0; i < CHARACTERS_PER_STEP && !state.isLeftDone; i++) {
    const next = afterCharacter(text, state.start);
    state.isLeftDone = state.start >= state.end || !set.has(numberOf(text, state.start, next));
    if (!state.isLeftDone) state.start = next;
  }
  if (!state.isLeftDone) return true;
  for (let i = 0; i < CHARACTERS_PER_STEP && !state.isRightDone; i++) {
    const before = beforeCharacter(text, state.end);
    state.isRightDone = state.end <= state.start || !set.has(numberOf(text, before, state.end));
    if (!state.isRightDone) state.end = before;
  }
  return !state.isRightDone;
}

function notString(code: number, message: string, value: RawValue): CommandError {
  return new CommandError(code, `${message}, got ${shownValue(value)} (of type ${typeNameOf(value)}) instead.`);
}
