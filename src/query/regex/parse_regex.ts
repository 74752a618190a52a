/**
 * Patterns in the syntax of PCRE2, which is what MongoDB's regular expressions are, to trees. Not done: recursion,
 * conditional groups, callouts, backtracking verbs, `\K`, `\G`, `\C` and `\X`; they are refused.
 */
import { CommandError } from '../../base/command_error.ts';
import { parseClass } from './parse_class.ts';
import { PatternReader, invalidRegex } from './pattern_reader.ts';
import { parseEscape } from './parse_escape.ts';
import type { ParsedRegex, RegexFlags, RegexNode } from './syntax.ts';

/** Source: PCRE2's limit of 250 nested groups. */
const GROUP_DEPTH_MAX = 250;

/** Source: PCRE2, "Repetition": counts are at most 65535. */
const REPEAT_MAX = 65_535;

const NEWLINE = 10;

export function parseRegex(pattern: string, flags: RegexFlags): ParsedRegex {
  const parser = new RegexParser(pattern);
  const root = parser.pattern(flags);
  return { root, groupCount: parser.groupCount };
}

class RegexParser {
  readonly #reader: PatternReader;
  readonly #names = new Map<string, number>();
  #flags: RegexFlags = { ignoreCase: false, multiline: false, dotAll: false, extended: false };
  #depth = 0;
  groupCount = 0;
  #highestReference = 0;

  constructor(pattern: string) {
    this.#reader = new PatternReader(pattern);
  }

  pattern(flags: RegexFlags): RegexNode {
    this.#flags = flags;
    this.#skipStartOptions();
    const root = this.#alternation();
    if (!this.#reader.isAtEnd) throw invalidRegex('unmatched closing parenthesis');
    if (this.#highestReference > this.groupCount) throw invalidRegex('reference to non-existent subpattern');
    return root;
  }

  /** Those that ask for what holds anyway: UTF, lines that end with a line feed, no shortcuts. */
  #skipStartOptions(): void {
    while (this.#reader.match(/\(\*(?:UTF8?|LF|NO_AUTO_POSSESS|NO_START_OPT)\)/y) !== undefined);
  }

  /** Options that are set inside hold to the end of the enclosing group. */
  #alternation(): RegexNode {
    this.#depth++;
    if (this.#depth > GROUP_DEPTH_MAX) throw invalidRegex('parentheses are too deeply nested');
    const outside = this.#flags;
    const parts = [this.#sequence()];
    while (this.#reader.take('|')) parts.push(this.#sequence());
    this.#flags = outside;
    this.#depth--;
    return parts.length === 1 ? parts[0] : { kind: 'alternation', parts };
  }

  #sequence(): RegexNode {
    const parts: RegexNode[] = [];
    for (;;) {
      this.#skipIgnored();
      const next = this.#reader.peek();
      if (next === '' || next === '|' || next === ')') break;
      const atom = this.#atom();
      if (atom === undefined) continue;
      parts.push(this.#repeated(atom));
    }
    return parts.length === 1 ? parts[0] : { kind: 'sequence', parts };
  }

  /** White space and comments in extended mode, and `(?#…)` in every mode. */
  #skipIgnored(): void {
    for (;;) {
      if (this.#reader.take('(?#')) {
        if (!this.#reader.skipPast(')')) throw invalidRegex('missing ) after (?# comment');
      } else if (this.#flags.extended && /^\s/.test(this.#reader.peek())) {
        this.#reader.next();
      } else if (this.#flags.extended && this.#reader.peek() === '#') {
        this.#reader.skipPast('\n');
      } else {
        return;
      }
    }
  }

  /** Undefined for what matches nothing by itself, as `(?i)`. */
  #atom(): RegexNode | undefined {
    const reader = this.#reader;
    const char = reader.next();
    const { ignoreCase, multiline, dotAll } = this.#flags;
    switch (char) {
      case '(':
        return this.#group();
      case '[':
        return { kind: 'set', source: parseClass(reader), ignoreCase };
      case '\\':
        return this.#escape();
      case '.':
        return { kind: 'set', source: dotAll ? String.raw`[\s\S]` : String.raw`[^\n]`, ignoreCase: false };
      case '^':
        return { kind: 'assertion', source: multiline ? String.raw`(?:^|(?<=\n)(?!$))` : '^' };
      case '$':
        return { kind: 'assertion', source: multiline ? String.raw`(?=\n|$)` : String.raw`(?=\n?$)` };
      case '*':
      case '+':
      case '?':
        throw invalidRegex('quantifier does not follow a repeatable item');
      default:
        return { kind: 'char', code: char.codePointAt(0) ?? NEWLINE, ignoreCase };
    }
  }

  #escape(): RegexNode {
    const node = parseEscape(this.#reader, {
      ignoreCase: this.#flags.ignoreCase,
      groupCount: this.groupCount,
      groupNamed: (name) => this.#groupNamed(name),
    });
    if (node.kind === 'backreference') this.#highestReference = Math.max(this.#highestReference, node.index);
    return node;
  }

  #groupNamed(name: string): number {
    const index = this.#names.get(name);
    if (index === undefined) throw invalidRegex('reference to non-existent subpattern');
    return index;
  }

  /** The opening parenthesis is behind. */
  #group(): RegexNode | undefined {
    const reader = this.#reader;
    if (reader.peek() === '*') throw unsupported('backtracking verbs');
    if (!reader.take('?')) return this.#capture(undefined);
    if (reader.take(':')) return this.#close(this.#alternation());
    if (reader.take('|')) throw unsupported('branch reset groups');
    if (reader.take('>')) return { kind: 'atomic', body: this.#close(this.#alternation()) };
    if (reader.take('=')) return this.#look(false, false);
    if (reader.take('!')) return this.#look(false, true);
    if (reader.take('<=')) return this.#look(true, false);
    if (reader.take('<!')) return this.#look(true, true);
    if (reader.take('P=')) return this.#namedReference();
    if (reader.take('P<') || reader.take('<')) return this.#capture(reader.name('>'));
    if (reader.take("'")) return this.#capture(reader.name("'"));
    if (/^[0-9R&+(CP]/.test(reader.peek())) throw unsupported('recursion, callouts and conditional groups');
    return this.#options();
  }

  #namedReference(): RegexNode {
    const index = this.#groupNamed(this.#reader.name(')'));
    return { kind: 'backreference', index, ignoreCase: this.#flags.ignoreCase };
  }

  #capture(name: string | undefined): RegexNode {
    this.groupCount++;
    const index = this.groupCount;
    if (name !== undefined) {
      if (this.#names.has(name)) throw invalidRegex('two named subpatterns have the same name');
      this.#names.set(name, index);
    }
    return { kind: 'capture', index, body: this.#close(this.#alternation()) };
  }

  #look(behind: boolean, negative: boolean): RegexNode {
    return { kind: 'look', behind, negative, body: this.#close(this.#alternation()) };
  }

  #close(body: RegexNode): RegexNode {
    if (!this.#reader.take(')')) throw invalidRegex('missing )');
    return body;
  }

  /** `(?i-m)` for what follows, or `(?i-m:…)` for the inside. */
  #options(): RegexNode | undefined {
    const reader = this.#reader;
    const before = this.#flags;
    let flags = reader.take('^') ? { ignoreCase: false, multiline: false, dotAll: false, extended: false } : before;
    let value = true;
    for (;;) {
      const char = reader.next();
      if (char === ')') {
        this.#flags = flags;
        return undefined;
      }
      if (char === ':') {
        this.#flags = flags;
        const body = this.#close(this.#alternation());
        this.#flags = before;
        return body;
      }
      if (char === '-' && value) value = false;
      else flags = withFlag(flags, char, value);
    }
  }

  #repeated(atom: RegexNode): RegexNode {
    let node = atom;
    for (;;) {
      if (this.#flags.extended) this.#skipIgnored();
      const range = this.#quantifier();
      if (range === undefined) return node;
      const isLazy = this.#reader.take('?');
      const repeat: RegexNode = { kind: 'repeat', body: node, ...range, isLazy };
      node = !isLazy && this.#reader.take('+') ? { kind: 'atomic', body: repeat } : repeat;
      if (/^[*+?]/.test(this.#reader.peek())) throw invalidRegex('quantifier does not follow a repeatable item');
    }
  }

  #quantifier(): { readonly min: number; readonly max: number } | undefined {
    const reader = this.#reader;
    if (reader.take('*')) return { min: 0, max: Infinity };
    if (reader.take('+')) return { min: 1, max: Infinity };
    if (reader.take('?')) return { min: 0, max: 1 };
    const counts = reader.match(/\{([0-9]+)(,?)([0-9]*)\}/y);
    if (counts === undefined) return undefined;
    const [, least, comma, most] = counts;
    const min = Number(least);
    const max = most === '' ? (comma === '' ? min : Infinity) : Number(most);
    if (min > REPEAT_MAX || (max > REPEAT_MAX && max !== Infinity)) {
      throw invalidRegex('number too big in {} quantifier');
    }
    if (max < min) throw invalidRegex('numbers out of order in {} quantifier');
    return { min, max };
  }
}

function withFlag(flags: RegexFlags, char: string, value: boolean): RegexFlags {
  switch (char) {
    case 'i':
      return { ...flags, ignoreCase: value };
    case 'm':
      return { ...flags, multiline: value };
    case 's':
      return { ...flags, dotAll: value };
    case 'x':
      return { ...flags, extended: value };
    case 'J':
    case 'U':
    case 'n':
      throw unsupported(`the option ${char}`);
    default:
      throw invalidRegex('unrecognized character after (? or (?-');
  }
}

function unsupported(what: string): CommandError {
  return new CommandError('NotImplemented', `${what} in regular expressions are not implemented`);
}
