/**
 * Regular expressions of filters and expressions: PCRE2's syntax, run by JavaScript's engine.
 *
 * A pattern is parsed to a tree (`parse_regex.ts`) and written again in JavaScript's syntax (`emit_regex.ts`). The
 * engine cannot be interrupted, so patterns that may take exponential time, and long texts for patterns that may take
 * polynomial time, go to a matcher of our own that counts its steps (`bounded_matcher.ts`).
 *
 * Characters are code points; `\d \w \s \b` and the POSIX classes are those of ASCII; cases are Unicode's.
 */
import { BoundedMatch, isInsidePair, type Captures } from './bounded_matcher.ts';
import {
  REGEX_FAST_STEPS_MAX,
  REGEX_INTERRUPTED_STEPS_MAX,
  REGEX_PATTERN_BYTES_MAX,
  REGEX_STEPS_MAX,
  REGEX_UNINTERRUPTED_STEPS_MAX,
} from '../../base/limits.ts';
import { emitRegex, type EmittedRegex } from './emit_regex.ts';
import { parseRegex } from './parse_regex.ts';
import { invalidRegex } from './pattern_reader.ts';
import { buildProgram, type Program } from './regex_program.ts';
import type { ParsedRegex, RegexNode } from './syntax.ts';

export interface RegexMatch {
  /** In UTF-16 units. */
  readonly start: number;
  readonly end: number;
  /** Capturing groups from the first on; undefined for those that did not take part. */
  readonly captures: readonly (string | undefined)[];
}

export interface CompiledRegex {
  readonly groupCount: number;
  /** Throws CommandError 51156 when it takes too many steps, as `match` does. */
  test(text: string): boolean;
  /** The first match that starts at `from` (UTF-16 units) or later. */
  match(text: string, from: number): RegexMatch | undefined;
  /** Whether there are texts that `begin` is for. */
  readonly mayTakeLong: boolean;
  /** The same match, in steps; undefined for a text for which it takes no long time. */
  begin(text: string, from: number): PendingMatch | undefined;
}

/** A match that is sought. */
export interface PendingMatch {
  /** Goes on for a moment; false when the result is known. Throws as `match` does. */
  advance(): boolean;
  result(): RegexMatch | undefined;
}

/** Of a match that is sought, in one go: well below a millisecond. */
const STEPS_PER_ADVANCE = 4096;

/** `options` are letters of `imsxu`; others say nothing. Throws CommandError 51091 for a bad pattern. */
export function compileRegex(pattern: string, options: string): CompiledRegex {
  if (pattern.length > REGEX_PATTERN_BYTES_MAX) throw invalidRegex('regular expression is too large');
  const parsed = parseRegex(pattern, {
    ignoreCase: options.includes('i'),
    multiline: options.includes('m'),
    dotAll: options.includes('s'),
    extended: options.includes('x'),
  });
  return new GuardedRegex(parsed);
}

class GuardedRegex implements CompiledRegex {
  readonly groupCount: number;
  readonly mayTakeLong: boolean;
  readonly #parsed: ParsedRegex;
  readonly #emitted: EmittedRegex;
  readonly #expression: RegExp;
  /** Texts up to this length go to JavaScript's engine, shorter ones where a match can be interrupted. */
  readonly #fastLengthMax: number;
  readonly #uninterruptedLengthMax: number;
  /** Characters that every match has. */
  readonly #required: readonly string[];
  #program: Program | undefined;

  constructor(parsed: ParsedRegex) {
    this.groupCount = parsed.groupCount;
    this.#parsed = parsed;
    this.#emitted = emitRegex(parsed);
    this.#expression = expressionOf(this.#emitted);
    const degree = degreeOf(parsed.root);
    this.mayTakeLong = degree > 0;
    this.#required = [...new Set(requiredIn(parsed.root))];
    this.#fastLengthMax = lengthFor(REGEX_FAST_STEPS_MAX, degree);
    this.#uninterruptedLengthMax = lengthFor(REGEX_UNINTERRUPTED_STEPS_MAX, degree);
  }

  test(text: string): boolean {
    if (this.#isHopeless(text, 0)) return false;
    if (text.length > this.#fastLengthMax) return resultOf(this.#bounded(text, 0, REGEX_STEPS_MAX)) !== undefined;
    this.#expression.lastIndex = 0;
    return this.#expression.test(text);
  }

  match(text: string, from: number): RegexMatch | undefined {
    if (this.#isHopeless(text, from)) return undefined;
    if (text.length > this.#fastLengthMax) return resultOf(this.#bounded(text, from, REGEX_STEPS_MAX));
    const found = this.#execute(text, from);
    if (found === null) return undefined;
    const captures = this.#emitted.groups.slice(1).map((group): string | undefined => found[group]);
    return { start: found.index, end: found.index + found[0].length, captures };
  }

  begin(text: string, from: number): PendingMatch | undefined {
    if (text.length <= this.#uninterruptedLengthMax || this.#isHopeless(text, from)) return undefined;
    return this.#bounded(text, from, REGEX_INTERRUPTED_STEPS_MAX);
  }

  /** Whether a text that may take long lacks a character without which there is no match. */
  #isHopeless(text: string, from: number): boolean {
    if (text.length <= this.#uninterruptedLengthMax) return false;
    return this.#required.some((character) => !text.includes(character, from));
  }

  #bounded(text: string, from: number, stepsMax: number): PendingMatch {
    this.#program ??= buildProgram(this.#parsed);
    const match = new BoundedMatch(this.#program, text, { from, stepsMax });
    return {
      advance: () => match.advance(STEPS_PER_ADVANCE),
      result: () => this.#matchOf(text, match.captures),
    };
  }

  /** JavaScript also finds matches without length inside a surrogate pair, where no character begins. */
  #execute(text: string, from: number): RegExpExecArray | null {
    this.#expression.lastIndex = from;
    let found = this.#expression.exec(text);
    while (found !== null && isInsidePair(text, found.index)) {
      this.#expression.lastIndex = found.index + 1;
      found = this.#expression.exec(text);
    }
    return found;
  }

  #matchOf(text: string, found: Captures | undefined): RegexMatch | undefined {
    if (found === undefined) return undefined;
    const captures = Array.from({ length: this.groupCount }, (_, i): string | undefined => {
      const start = found[i * 2 + 2];
      const end = found[i * 2 + 3];
      return start < 0 || end < 0 ? undefined : text.slice(start, end);
    });
    return { start: found[0], end: found[1], captures };
  }
}

/** Of the texts for which a pattern takes no more steps than that. */
function lengthFor(steps: number, degree: number): number {
  return degree === Infinity ? 0 : steps ** (1 / (degree + 1));
}

function resultOf(pending: PendingMatch): RegexMatch | undefined {
  while (pending.advance());
  return pending.result();
}

function expressionOf({ source, flags }: EmittedRegex): RegExp {
  try {
    return new RegExp(source, `${flags}g`);
  } catch (error) {
    throw invalidRegex(error instanceof Error ? error.message : 'unknown error');
  }
}

/**
 * The degree of the polynomial that bounds the steps from one starting place, in the length of the text; Infinity for
 * patterns that may take exponential time, because what is repeated can itself match in several ways.
 */
function degreeOf(node: RegexNode): number {
  switch (node.kind) {
    case 'sequence':
    case 'alternation':
      return node.parts.reduce((sum, part) => sum + degreeOf(part), 0);
    case 'capture':
    case 'atomic':
    case 'look':
      return degreeOf(node.body);
    case 'repeat': {
      if (node.max <= 1) return degreeOf(node.body);
      if (node.max === Infinity || node.max > SMALL_REPEAT) return hasChoice(node.body) ? Infinity : 1;
      return degreeOf(node.body) * node.max;
    }
    case 'backreference':
      // What was captured is compared character by character.
      return 1;
    default:
      return 0;
  }
}

function requiredIn(node: RegexNode): string[] {
  switch (node.kind) {
    case 'char':
      return node.ignoreCase ? [] : [String.fromCodePoint(node.code)];
    case 'sequence':
      return node.parts.flatMap(requiredIn);
    case 'capture':
    case 'atomic':
      return requiredIn(node.body);
    case 'repeat':
      return node.min > 0 ? requiredIn(node.body) : [];
    default:
      return [];
  }
}

const SMALL_REPEAT = 8;

function hasChoice(node: RegexNode): boolean {
  switch (node.kind) {
    case 'alternation':
      return true;
    case 'repeat':
      return node.min !== node.max || hasChoice(node.body);
    case 'sequence':
      return node.parts.some(hasChoice);
    case 'capture':
    case 'atomic':
    case 'look':
      return hasChoice(node.body);
    default:
      return false;
  }
}
