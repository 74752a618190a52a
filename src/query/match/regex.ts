/** Regular expressions in filters: tests of strings and symbols, and of regular expressions that are the same. */
import { CommandError } from '../../base/command_error.ts';
import { fieldName, textOf } from '../../bson/bytes.ts';
import { BSON_TYPE, type ValueSpan } from '../../bson/types.ts';
import { rawValue, stringOf, type RawValue } from '../../bson/value.ts';
import { compileRegex } from '../regex/compile_regex.ts';
import type { Predicate, RegexParts } from './predicate.ts';
import { MovableSpan } from './span.ts';
import type { ValueTest } from './value_test.ts';

/** The pattern and the options of a regular expression value. */
export function regexParts({ bytes, start, end }: ValueSpan): RegexParts {
  const middle = bytes.indexOf(0, start);
  return { pattern: textOf(bytes, start, middle), options: textOf(bytes, middle + 1, end - 1) };
}

/** Throws CommandError for a bad pattern or option. Source of 51108: "Compatibility Changes in MongoDB 6.0", $regex. */
export function regexTest({ pattern, options }: RegexParts): ValueTest {
  const unknown = /[^imsux]/u.exec(options);
  if (unknown !== null) throw new CommandError(51_108, ` invalid flag in regex options: ${unknown[0]}`);
  const regex = compileRegex(pattern, options);
  const span = new MovableSpan();
  return (bytes, type, start, end) => {
    if (type === BSON_TYPE.string || type === BSON_TYPE.symbol) {
      return regex.test(stringOf(span.set(bytes, type, start, end)));
    }
    if (type !== BSON_TYPE.regex) return false;
    const stored = regexParts(span.set(bytes, type, start, end));
    return stored.pattern === pattern && stored.options === options;
  };
}

export function regexPredicate(path: string, parts: RegexParts): Predicate {
  return { kind: 'other', operator: '$regex', path, test: regexTest(parts), expandArrays: true, regex: parts };
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
