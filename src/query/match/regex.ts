/** Regular expressions in filters: tests of strings and symbols, and of regular expressions that are the same. */
import { textOf } from '../../bson/bytes.ts';
import { BSON_TYPE, type ValueSpan } from '../../bson/types.ts';
import { stringOf } from '../../bson/value.ts';
import { compileRegex } from '../regex/compile_regex.ts';
import type { Predicate } from './predicate.ts';
import { MovableSpan } from './span.ts';
import type { ValueTest } from './value_test.ts';

export interface RegexParts {
  readonly pattern: string;
  readonly options: string;
}

/** The pattern and the options of a regular expression value. */
export function regexParts({ bytes, start, end }: ValueSpan): RegexParts {
  const middle = bytes.indexOf(0, start);
  return { pattern: textOf(bytes, start, middle), options: textOf(bytes, middle + 1, end - 1) };
}

/** Throws CommandError for a bad pattern. */
export function regexTest({ pattern, options }: RegexParts): ValueTest {
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
  return { kind: 'other', operator: '$regex', path, test: regexTest(parts), expandArrays: true };
}
