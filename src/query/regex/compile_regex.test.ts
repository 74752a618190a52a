import { describe, expect, test } from 'vitest';
import { CommandError } from '../../base/command_error.ts';
import { BoundedMatch } from './bounded_matcher.ts';
import { compileRegex } from './compile_regex.ts';
import { parseRegex } from './parse_regex.ts';
import { buildProgram } from './regex_program.ts';

const NO_FLAGS = { ignoreCase: false, multiline: false, dotAll: false, extended: false };

function refusal(pattern: string): string {
  try {
    compileRegex(pattern, '');
  } catch (error) {
    if (error instanceof CommandError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'accepted';
}

describe('regular expressions', () => {
  test.each([
    ['b+', 'i', 'aBBc', 'BB'],
    ['^b', 'm', 'a\nb', 'b'],
    ['a$', '', 'a\n', 'a'],
    ['a.b', '', 'a\nb', undefined],
    ['a.b', 's', 'a\nb', 'a\nb'],
    ['a b # comment', 'x', 'xab', 'ab'],
    ['^.$', '', '😀', '😀'],
    ['(*UTF8)(*LF)a.b', '', 'a\rb', 'a\rb'],
    ['(?i)a(?-i)b', '', 'Ab', 'Ab'],
    ['(?i)a(?-i)b', '', 'AB', undefined],
    [String.raw`\Aab\z`, '', 'ab', 'ab'],
    [String.raw`\bfoo\b`, '', 'a foo.', 'foo'],
    [String.raw`\Qa.b\E+`, '', 'a.bb', 'a.bb'],
    ['[[:alpha:]]+', '', '12ab', 'ab'],
    ['[]a]+', '', ']a', ']a'],
    [String.raw`\x41\x{42}\o{103}`, '', 'ABC', 'ABC'],
    ['a++b', '', 'aab', 'aab'],
    ['(?>a+)ab', '', 'aaab', undefined],
    [String.raw`(?<w>o)\k<w>`, '', 'foo', 'oo'],
    [String.raw`(a)(b)\2\g{-2}`, '', 'abba', 'abba'],
    ['(?<=a)b(?!c)', '', 'abcabd', 'b'],
    [String.raw`\p{Lu}+`, '', 'abÄC', 'ÄC'],
    [String.raw`\p{Greek}`, '', 'aβ', 'β'],
    ['x{2,}', '', 'xxxx', 'xxxx'],
    ['x{,2}', '', 'x{,2}', 'x{,2}'],
  ])('%s with %s in %j find %j', (pattern, options, text, found) => {
    const match = compileRegex(pattern, options).match(text, 0);
    expect(match && text.slice(match.start, match.end)).toBe(found);
  });

  test.each([
    ['(a|ab)(c|bcd)(d*)', 'abcd'],
    [String.raw`(\w+)@(\w+)\.com`, 'mail ada@site.com'],
    ['(a*)*b', 'aaab'],
    ['(?:(x)|y)+', 'xy'],
    ['^(?:a|b)*?c', 'abac'],
    ['(?=(a+))a*b', 'baaab'],
    [String.raw`(?<=\d{2})x`, '1x12x'],
    ['[^a-c]+$', 'abcdef'],
    ['(é|e)+', 'ééé'],
  ])('%s means the same with and without counting steps', (pattern, text) => {
    const bounded = new BoundedMatch(buildProgram(parseRegex(pattern, NO_FLAGS)), text, { from: 0, stepsMax: 10_000 });
    while (bounded.advance(1));
    const counted = bounded.captures;
    const match = compileRegex(pattern, '').match(text, 0);
    expect(counted?.slice(0, 2)).toEqual(match && Int32Array.of(match.start, match.end));
  });

  test('tell the groups, not those made for atomic ones', () => {
    expect(compileRegex('(?>a+)(b)(c)?', '').match('aab', 0)).toEqual({ start: 0, end: 3, captures: ['b', undefined] });
  });

  test.each([
    ['a*b', 20_000],
    ['(a+)+b', 5000],
    ['(?:a|aa)*(bc)+', 5000],
  ])('%s gives up at once over %i characters without what it needs', (pattern, length) => {
    expect(compileRegex(pattern, '').test('a'.repeat(length))).toBe(false);
  });

  test('stop at a bound instead of taking forever', () => {
    const regex = compileRegex('^(a+)+$', '');
    expect(regex.test('a'.repeat(30))).toBe(true);
    expect(() => regex.test(`${'a'.repeat(60)}b`)).toThrow('match limit exceeded');
  });

  test.each([
    ['(', '51091 Regular expression is invalid: missing )'],
    [')', '51091 Regular expression is invalid: unmatched closing parenthesis'],
    ['[a', '51091 Regular expression is invalid: missing terminating ] for character class'],
    ['*a', '51091 Regular expression is invalid: quantifier does not follow a repeatable item'],
    ['[b-a]', '51091 Regular expression is invalid: range out of order in character class'],
    ['a{3,2}', '51091 Regular expression is invalid: numbers out of order in {} quantifier'],
    [String.raw`\2(a)`, '51091 Regular expression is invalid: reference to non-existent subpattern'],
    ['(?R)', '238 recursion, callouts and conditional groups in regular expressions are not implemented'],
  ])('refuse %s', (pattern, message) => {
    expect(refusal(pattern)).toBe(message);
  });
});

describe('inside a surrogate pair', () => {
  test.each(['^|$', '$', String.raw`\B`, String.raw`\z`, '(?<!a)', '(?m)^|$'])('%s finds no match', (pattern) => {
    const text = 'a😀b😀';
    const regex = compileRegex(pattern, '');
    const starts: number[] = [];
    for (let from = 0; from <= text.length; from++) starts.push(regex.match(text, from)?.start ?? 0);
    expect(starts).not.toContain(2);
    expect(starts).not.toContain(5);
  });
});
