/** `$regexMatch $regexFind $regexFindAll`. Places are counted in code points. */
import { CommandError } from '../../base/command_error.ts';
import { fieldName, textOf } from '../../bson/bytes.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import { RAW_NULL, rawBool, rawInt32, rawString, stringOf, type RawValue } from '../../bson/value.ts';
import { compileRegex, type CompiledRegex, type PendingMatch, type RegexMatch } from '../regex/compile_regex.ts';
import { folded } from './arguments.ts';
import { arrayOf, isNullish, objectOf } from './build.ts';
import { ItemList } from './item_list.ts';
import type { ExpressionScope } from './scope.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Expression, Value } from './types.ts';
import { loopOf } from './work.ts';

interface RegexOperands {
  readonly input: Expression;
  readonly regex: Expression;
  readonly options: Expression | undefined;
}

interface RegexInput {
  readonly regex: CompiledRegex;
  readonly text: string;
}

/** What becomes of the input, which is undefined when it or the regex is null. */
interface RegexResult {
  /** For one place in an expression. */
  make(scope: ExpressionScope, inputOf: (root: Uint8Array) => RegexInput | undefined): Expression['evaluate'];
}

const MATCH = fieldName('match');
const INDEX = fieldName('idx');
const CAPTURES = fieldName('captures');

function regexOperator(name: `$${string}`, result: RegexResult): ExpressionOperator {
  return {
    name,
    compile(operand, scope) {
      const operands = parse(name, operand, scope);
      const { input, regex, options } = operands;
      const cache = new LastRegex(name);
      const inputOf = (root: Uint8Array): RegexInput | undefined => {
        const value = input.evaluate(root);
        if (!isNullish(value) && value.type !== BSON_TYPE.string) {
          throw new CommandError(51104, `${name} needs 'input' to be of type string`);
        }
        const compiled = cache.get(regex.evaluate(root), options?.evaluate(root));
        return compiled === undefined || isNullish(value) ? undefined : { regex: compiled, text: stringOf(value) };
      };
      const parts = options === undefined ? [input, regex] : [input, regex, options];
      return folded(parts, result.make(scope, inputOf));
    },
  };
}

/** One match, however long it takes; what becomes of it, or of none. */
function singleMatch(valueOf: (match: RegexMatch | undefined, text: string) => RawValue): RegexResult {
  return {
    make: ({ work }, inputOf) =>
      loopOf<{ readonly text: string; readonly pending: PendingMatch }>(work, {
        start(root) {
          const input = inputOf(root);
          if (input === undefined) return valueOf(undefined, '');
          const { regex, text } = input;
          const pending = regex.begin(text, 0);
          return pending === undefined ? valueOf(regex.match(text, 0), text) : { text, pending };
        },
        step: ({ pending }) => pending.advance(),
        end: ({ pending, text }) => valueOf(pending.result(), text),
      }),
  };
}

export const regexMatchOperator = regexOperator(
  '$regexMatch',
  singleMatch((match) => rawBool(match !== undefined)),
);

export const regexFindOperator = regexOperator(
  '$regexFind',
  singleMatch((match, text) => {
    if (match === undefined) return RAW_NULL;
    return matchDocument(text, match, codePointsIn(text, 0, match.start));
  }),
);

const NOTHING_FOUND = arrayOf([]);

interface Finding extends RegexInput {
  readonly found: ItemList;
  /** Where the next match is sought; undefined when there is none. */
  from: number | undefined;
  /** The match that is sought, when that takes long. */
  pending: PendingMatch | undefined;
  /** Characters up to the place `countedTo`. */
  index: number;
  countedTo: number;
}

export const regexFindAllOperator = regexOperator('$regexFindAll', {
  make: ({ work }, inputOf) =>
    loopOf<Finding>(work, {
      start(root) {
        const input = inputOf(root);
        if (input === undefined) return NOTHING_FOUND;
        return { ...input, found: new ItemList('$regexFindAll'), from: 0, pending: undefined, index: 0, countedTo: 0 };
      },
      step: findNext,
      end: ({ found }) => found.array(),
    }),
});

/** A match without length moves on by one character; nothing is sought at the end of a text that is not empty. */
function findNext(finding: Finding): boolean {
  const { regex, text, found, from } = finding;
  if (from === undefined) return false;
  finding.pending ??= regex.begin(text, from);
  if (finding.pending?.advance() === true) return true;
  const match = finding.pending === undefined ? regex.match(text, from) : finding.pending.result();
  finding.pending = undefined;
  if (match === undefined) return false;
  finding.index += codePointsIn(text, finding.countedTo, match.start);
  finding.countedTo = match.start;
  found.push(matchDocument(text, match, finding.index));
  const next = match.end > match.start ? match.end : match.end + characterLength(text, match.end);
  finding.from = next < text.length ? next : undefined;
  return finding.from !== undefined;
}

function characterLength(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}

function codePointsIn(text: string, start: number, end: number): number {
  let count = 0;
  for (let at = start; at < end; at += characterLength(text, at)) count++;
  return count;
}

function matchDocument(text: string, match: RegexMatch, index: number): RawValue {
  const captures = match.captures.map((capture) => (capture === undefined ? RAW_NULL : rawString(capture)));
  return objectOf([
    { name: MATCH, value: rawString(text.slice(match.start, match.end)) },
    { name: INDEX, value: rawInt32(index) },
    { name: CAPTURES, value: arrayOf(captures) },
  ]);
}

/** Keeps the regex that was compiled last: mostly there is only one. */
class LastRegex {
  readonly #name: string;
  #pattern: string | undefined;
  #options = '';
  #compiled: CompiledRegex | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  /** Undefined for a null regex. */
  get(regex: Value, options: Value): CompiledRegex | undefined {
    const name = this.#name;
    const given = this.#givenOptions(options);
    if (isNullish(regex)) return undefined;
    if (regex.type !== BSON_TYPE.regex && regex.type !== BSON_TYPE.string) {
      throw new CommandError(51105, `${name} needs 'regex' to be of type string or regex`);
    }
    const { pattern, own } = partsOf(regex);
    if (own !== '' && given !== undefined && given !== '') {
      throw new CommandError(51107, `${name}: found regex option(s) specified in both 'regex' and 'option' fields`);
    }
    if (pattern.includes('\0')) {
      throw new CommandError(51109, `${name}: regular expression cannot contain an embedded null byte`);
    }
    return this.#compile(pattern, given === undefined || given === '' ? own : given);
  }

  #givenOptions(options: Value): string | undefined {
    if (isNullish(options)) return undefined;
    if (options.type !== BSON_TYPE.string) {
      throw new CommandError(51106, `${this.#name} needs 'options' to be of type string`);
    }
    const text = stringOf(options);
    if (text.includes('\0')) {
      throw new CommandError(51110, `${this.#name}: regular expression options cannot contain an embedded null byte`);
    }
    return text;
  }

  #compile(pattern: string, options: string): CompiledRegex {
    if (this.#compiled !== undefined && this.#pattern === pattern && this.#options === options) return this.#compiled;
    const bad = /[^imsx]/.exec(options);
    if (bad !== null) {
      throw new CommandError(51108, `${this.#name} invalid flag in regex options: ${bad[0]}`);
    }
    this.#compiled = compileNamed(this.#name, pattern, options);
    this.#pattern = pattern;
    this.#options = options;
    return this.#compiled;
  }
}

function compileNamed(name: string, pattern: string, options: string): CompiledRegex {
  try {
    return compileRegex(pattern, options);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new CommandError(51111, `Invalid Regex in ${name}: ${error.message}`, {}, { cause: error });
  }
}

function partsOf(regex: RawValue): { pattern: string; own: string } {
  if (regex.type === BSON_TYPE.string) return { pattern: stringOf(regex), own: '' };
  const middle = regex.bytes.indexOf(0, regex.start);
  return {
    pattern: textOf(regex.bytes, regex.start, middle),
    own: textOf(regex.bytes, middle + 1, regex.end - 1),
  };
}

function parse(name: string, operand: RawValue, scope: ExpressionScope): RegexOperands {
  if (operand.type !== BSON_TYPE.object) {
    const found = typeAlias(operand.type);
    throw new CommandError(51103, `${name} expects an object of named arguments but found: ${found}`);
  }
  let input: Expression | undefined;
  let regex: Expression | undefined;
  let options: Expression | undefined;
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const key = reader.name();
    if (key === 'input') input = scope.compile(reader.value());
    else if (key === 'regex') regex = scope.compile(reader.value());
    else if (key === 'options') options = scope.compile(reader.value());
    else throw new CommandError(31024, `${name} found an unknown argument: ${key}`);
  }
  if (input === undefined) throw new CommandError(31022, `${name} requires 'input' parameter`);
  if (regex === undefined) throw new CommandError(31023, `${name} requires 'regex' parameter`);
  return { input, regex, options };
}
