/** What a backslash begins, outside of classes. */
import { CommandError } from '../../base/command_error.ts';
import { charEscape, setEscape } from './escapes.ts';
import { invalidRegex, type PatternReader } from './pattern_reader.ts';
import type { RegexNode } from './syntax.ts';

export interface EscapeContext {
  readonly ignoreCase: boolean;
  /** Groups opened so far: relative references count back from here. */
  readonly groupCount: number;
  /** Throws when there is none. */
  readonly groupNamed: (name: string) => number;
}

/** `\b` is of ASCII words, whatever the options. */
const WORD = '[0-9A-Za-z_]';

/** Those of the text's ends are written with `^` and `$`: a negated class would also hold inside a surrogate pair. */
const ASSERTIONS: ReadonlyMap<string, string> = new Map([
  ['b', `(?:(?<=${WORD})(?!${WORD})|(?<!${WORD})(?=${WORD}))`],
  ['B', `(?:(?<=${WORD})(?=${WORD})|(?<!${WORD})(?!${WORD}))`],
  ['A', '^'],
  ['z', '$'],
  ['Z', String.raw`(?=\n?$)`],
]);

/** The backslash is behind. */
export function parseEscape(reader: PatternReader, context: EscapeContext): RegexNode {
  const { ignoreCase } = context;
  if (reader.isAtEnd) throw invalidRegex(String.raw`\ at end of pattern`);
  const assertion = ASSERTIONS.get(reader.peek());
  if (assertion !== undefined) {
    reader.next();
    return { kind: 'assertion', source: assertion };
  }
  if (reader.take('R')) return LINE_END;
  if (reader.take('N')) return { kind: 'set', source: String.raw`[^\n]`, ignoreCase: false };
  if (reader.take('E')) return { kind: 'sequence', parts: [] };
  if (/^[KGCX]/.test(reader.peek())) {
    throw new CommandError('NotImplemented', `\\${reader.peek()} in regular expressions is not implemented`);
  }
  const index = reference(reader, context);
  if (index !== undefined) return { kind: 'backreference', index, ignoreCase };
  const set = setEscape(reader);
  if (set !== undefined) return { kind: 'set', source: `[${set}]`, ignoreCase: false };
  return { kind: 'char', code: charEscape(reader), ignoreCase };
}

const LINE_END: RegexNode = {
  kind: 'atomic',
  body: {
    kind: 'alternation',
    parts: [
      {
        kind: 'sequence',
        parts: [
          { kind: 'char', code: 13, ignoreCase: false },
          { kind: 'char', code: 10, ignoreCase: false },
        ],
      },
      { kind: 'set', source: String.raw`[\n\v\f\r\u0085\u2028\u2029]`, ignoreCase: false },
    ],
  },
};

function reference(reader: PatternReader, context: EscapeContext): number | undefined {
  const { groupCount, groupNamed } = context;
  if (reader.take('k<')) return groupNamed(reader.name('>'));
  if (reader.take("k'")) return groupNamed(reader.name("'"));
  if (reader.take('k{')) return groupNamed(reader.name('}'));
  const relative = reader.match(/g(?:\{-([0-9]+)\}|-([0-9]+))/y);
  if (relative !== undefined) return checked(groupCount + 1 - Number(relative[1] ?? relative[2]));
  const absolute = reader.match(/g(?:\{([0-9]+)\}|([0-9]+))/y);
  if (absolute !== undefined) return checked(Number(absolute[1] ?? absolute[2]));
  if (reader.take('g{')) return groupNamed(reader.name('}'));
  // One digit is always a reference; more only when there are so many groups, else an octal code.
  const single = reader.match(/[1-9](?![0-9])/y);
  if (single !== undefined) return Number(single[0]);
  const several = reader.match(/[89][0-9]+|[1-9][0-9]+/y);
  if (several === undefined) return undefined;
  if (Number(several[0]) <= groupCount) return Number(several[0]);
  throw invalidRegex('reference to non-existent subpattern');
}

function checked(index: number): number {
  if (index < 1) throw invalidRegex('reference to non-existent subpattern');
  return index;
}
