/** Regular expressions in filters: tests of strings and symbols, and of regular expressions that are the same. */
import { CommandError } from '../../base/command_error.ts';
import { fieldName, textOf } from '../../bson/bytes.ts';
import { BSON_TYPE, type ValueSpan } from '../../bson/types.ts';
import { RAW_TRUE, rawBool, rawValue, stringOf, type RawValue } from '../../bson/value.ts';
import type { ExpressionScope } from '../expression.ts';
import { runLoop, type LoopKind, type Work } from '../expression/work.ts';
import { compileRegex, type CompiledRegex, type PendingMatch } from '../regex/compile_regex.ts';
import type { Predicate, RegexParts } from './predicate.ts';
import { MovableSpan } from './span.ts';
import type { ValueTest } from './value_test.ts';

/** The pattern and the options of a regular expression value. */
export function regexParts({ bytes, start, end }: ValueSpan): RegexParts {
  const middle = bytes.indexOf(0, start);
  return { pattern: textOf(bytes, start, middle), options: textOf(bytes, middle + 1, end - 1) };
}

/** Throws CommandError for a bad pattern or option. Source of 51108: "Compatibility Changes in MongoDB 6.0", $regex. */
export function regexTest(parts: RegexParts, work?: Work): ValueTest {
  return compiledTest(parts, work).test;
}

/** `work`: where a match that takes long is left, and gone on with. */
function compiledTest(
  { pattern, options }: RegexParts,
  work: Work | undefined,
): { readonly test: ValueTest; readonly mayTakeLong: boolean } {
  const unknown = /[^imsux]/u.exec(options);
  if (unknown !== null) throw new CommandError(51_108, ` invalid flag in regex options: ${unknown[0]}`);
  const regex = compileRegex(pattern, options);
  const span = new MovableSpan();
  const matchesInSteps = work === undefined || !regex.mayTakeLong ? undefined : longMatch(regex, span, work);
  const test: ValueTest = (bytes, type, start, end) => {
    if (type === BSON_TYPE.string || type === BSON_TYPE.symbol) {
      span.set(bytes, type, start, end);
      return matchesInSteps === undefined ? regex.test(stringOf(span)) : matchesInSteps();
    }
    if (type !== BSON_TYPE.regex) return false;
    const stored = regexParts(span.set(bytes, type, start, end));
    return stored.pattern === pattern && stored.options === options;
  };
  return { test, mayTakeLong: regex.mayTakeLong };
}

/** Tests the text at `span`. One condition may be asked about many texts of a document: each is a place of its own. */
function longMatch(regex: CompiledRegex, span: MovableSpan, work: Work): () => boolean {
  const place = work.newPlace();
  const kind: LoopKind<PendingMatch> = {
    start() {
      const text = stringOf(span);
      return regex.begin(text, 0) ?? rawBool(regex.test(text));
    },
    step: (pending) => pending.advance(),
    end: (pending) => rawBool(pending.result() !== undefined),
  };
  return () => runLoop(work, `${place} ${span.start}`, kind, span.bytes) === RAW_TRUE;
}

export function regexPredicate(path: string, parts: RegexParts, { work }: ExpressionScope): Predicate {
  const { test, mayTakeLong } = compiledTest(parts, work);
  const common = { operator: '$regex', path, test, expandArrays: true, regex: parts };
  return mayTakeLong ? { kind: 'other', ...common, work } : { kind: 'other', ...common };
}

/** The value that holds a regular expression. */
export function rawRegex({ pattern, options }: RegexParts): RawValue {
  const name = fieldName(pattern);
  const flags = fieldName(options);
  const bytes = new Uint8Array(name.length + flags.length + 2);
  bytes.set(name);
  bytes.set(flags, name.length + 1);
  return rawValue(BSON_TYPE.regex, bytes);
}
