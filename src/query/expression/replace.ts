/** `$replaceOne $replaceAll`: exact texts, not patterns. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import { RAW_NULL } from '../../bson/value.ts';
import { isNullish } from './build.ts';
import { ByteSearch } from './byte_search.ts';
import { shownValue } from './text.ts';
import { TextBuilder } from './text_builder.ts';
import { afterCharacter, stringBytes } from './text_bytes.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Expression, Value } from './types.ts';
import { loopOf } from './work.ts';

const OPERANDS = ['input', 'find', 'replacement'];
const MISSING_CODES = [51749, 51748, 51747];
const TYPE_CODES = [51746, 51745, 51744];

interface Texts {
  readonly input: Uint8Array;
  readonly find: Uint8Array;
  readonly replacement: Uint8Array;
}

interface Replacing extends Texts {
  /** Undefined for an empty text, which is found before every character and at the end. */
  readonly search: ByteSearch | undefined;
  /** The end of the last place. */
  from: number;
  readonly made: TextBuilder;
}

/** Not computed while compiling. */
function replaceOperator(name: `$${string}`, replaceNext: (state: Replacing) => boolean): ExpressionOperator {
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
          const search = find.length === 0 ? undefined : new ByteSearch(input, find);
          return { input, find, replacement, search, from: 0, made: new TextBuilder() };
        },
        step: replaceNext,
        end: ({ made }) => made.string(),
      });
      return { constant: undefined, evaluate };
    },
  };
}

function textOrNull(name: string, value: Value, index: number): Uint8Array | undefined {
  if (isNullish(value)) return undefined;
  const text = stringBytes(value);
  if (text !== undefined) return text;
  const message = `${name} requires that '${OPERANDS[index]}' be a string, found: ${shownValue(value)}`;
  throw new CommandError(TYPE_CODES[index], message);
}

/** Bytes looked at between two looks at the clock. */
const BYTES_PER_STEP = 16_384;

export const replaceOneOperator = replaceOperator('$replaceOne', (state) => {
  const at = nextPlace(state);
  if (at === undefined) return true;
  replacePlace(state, at);
  if (at >= 0) state.made.append(state.input, state.from);
  return false;
});

export const replaceAllOperator = replaceOperator('$replaceAll', (state) => {
  const at = nextPlace(state);
  if (at === undefined) return true;
  replacePlace(state, at);
  if (state.search !== undefined || at < 0) return at >= 0;
  const end = afterCharacter(state.input, at);
  if (at < state.input.length) state.made.append(state.input, at, end);
  state.from = end;
  return true;
});

function nextPlace({ search, from, input }: Replacing): number | undefined {
  if (search !== undefined) return search.find(BYTES_PER_STEP);
  return from <= input.length ? from : -1;
}

/** Copies what is before the place, and puts the replacement there; without a place, copies all the rest. */
function replacePlace(state: Replacing, at: number): void {
  const { input, find, replacement, made } = state;
  made.append(input, state.from, at < 0 ? Math.max(state.from, input.length) : at);
  if (at < 0) return;
  made.append(replacement);
  state.from = at + find.length;
}
