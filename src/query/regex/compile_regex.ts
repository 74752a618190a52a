/**
 * Regular expressions of filters and expressions: PCRE2's syntax, run by JavaScript's engine.
 *
 * A pattern is parsed to a tree (`parse_regex.ts`) and written again in JavaScript's syntax (`emit_regex.ts`). The
 * engine cannot be interrupted, so patterns that may take exponential time, and long texts for patterns that may take
 * polynomial time, go to a matcher of our own that counts its steps (`bounded_matcher.ts`).
 *
 * Characters are code points; `\d \w \s \b` and the POSIX classes are those of ASCII; cases are Unicode's.
 */
import { BoundedMatcher, isInsidePair } from './bounded_matcher.ts';
import { REGEX_FAST_STEPS_MAX, REGEX_PATTERN_BYTES_MAX } from '../../base/limits.ts';
import { emitRegex, type EmittedRegex } from './emit_regex.ts';
import { parseRegex } from './parse_regex.ts';
import { invalidRegex } from './pattern_reader.ts';
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
}

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
  readonly #parsed: ParsedRegex;
  readonly #emitted: EmittedRegex;
  readonly #expression: RegExp;
  /** Texts up to this length go to JavaScript's engine. */
  readonly #fastLengthMax: number;
  #bounded: BoundedMatcher | undefined;

  constructor(parsed: ParsedRegex) {
    this.groupCount = parsed.groupCount;
    this.#parsed = parsed;
    this.#emitted = emitRegex(parsed);
    this.#expression = expressionOf(this.#emitted);
    const degree = degreeOf(parsed.root);
    this.#fastLengthMax = degree === Infinity ? 0 : REGEX_FAST_STEPS_MAX ** (1 / (degree + 1));
  }

  test(text: string): boolean {
    if (text.length > this.#fastLengthMax) return this.#matcher().match(text, 0) !== undefined;
    this.#expression.lastIndex = 0;
    return this.#expression.test(text);
  }

  match(text: string, from: number): RegexMatch | undefined {
    if (text.length > this.#fastLengthMax) return this.#boundedMatch(text, from);
    const found = this.#execute(text, from);
    if (found === null) return undefined;
    const captures = this.#emitted.groups.slice(1).map((group): string | undefined => found[group]);
    return { start: found.index, end: found.index + found[0].length, captures };
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

  #matcher(): BoundedMatcher {
    this.#bounded ??= new BoundedMatcher(this.#parsed);
    return this.#bounded;
  }

  #boundedMatch(text: string, from: number): RegexMatch | undefined {
    const found = this.#matcher().match(text, from);
    if (found === undefined) return undefined;
    const captures = Array.from({ length: this.groupCount }, (_, i): string | undefined => {
      const start = found[i * 2 + 2];
      const end = found[i * 2 + 3];
      return start < 0 || end < 0 ? undefined : text.slice(start, end);
    });
    return { start: found[0], end: found[1], captures };
  }
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
    default:
      return 0;
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
