import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BoundedMatch } from './bounded_matcher.ts';
import { compileRegex } from './compile_regex.ts';
import { parseRegex } from './parse_regex.ts';
import { buildProgram } from './regex_program.ts';

const STEPS_MAX = 1_000_000;

const NO_FLAGS = { ignoreCase: false, multiline: false, dotAll: false, extended: false };

function matchOf(pattern: string, text: string, steps: number): Int32Array | undefined {
  const match = new BoundedMatch(buildProgram(parseRegex(pattern, NO_FLAGS)), text, { from: 0, stepsMax: STEPS_MAX });
  while (match.advance(steps));
  return match.captures;
}

/** What JavaScript's own engine finds: start, end and groups. Its syntax and meaning are the same for these patterns. */
function expectedOf(pattern: string, text: string): (number | string | undefined)[] | undefined {
  const found = new RegExp(pattern, 'u').exec(text);
  return found === null ? undefined : [found.index, found.index + found[0].length, ...found.slice(1)];
}

function shown(captures: Int32Array | undefined, text: string, groups: number): unknown {
  if (captures === undefined) return undefined;
  const texts = Array.from({ length: groups }, (_, i) => {
    const [from, to] = captures.slice(i * 2 + 2);
    return from < 0 || to < 0 ? undefined : text.slice(from, to);
  });
  return [captures[0], captures[1], ...texts];
}

/** Patterns over three letters, with one kind of group, which keep what a group last took. */
const { pattern } = fc.letrec<{ pattern: string; part: string }>((tie) => ({
  pattern: fc.array(tie('part'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('')),
  part: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', 'é', '^', '$'),
    tie('pattern').map((inner) => `(?:${inner})`),
    fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => `(?:${a}|${b})`),
    fc
      .tuple(tie('pattern'), fc.constantFrom('*', '+', '?', '*?', '+?', '{2}', '{1,2}', '{0,2}?'))
      // What matches nothing may not be repeated: there JavaScript and PCRE differ.
      .map(([inner, times]) => `(?:.${inner})${times}`),
    fc.tuple(fc.constantFrom('=', '!', '<=', '<!'), tie('pattern')).map(([look, inner]) => `(?${look}${inner})`),
  ),
}));

const TEXT = fc.array(fc.constantFrom('a', 'b', 'é'), { maxLength: 8 }).map((letters) => letters.join(''));

describe('the machine', () => {
  test('finds what the engine of JavaScript finds, in pieces of any length', () => {
    fc.assert(
      fc.property(pattern, TEXT, fc.integer({ min: 1, max: 50 }), (source, text, steps) => {
        expect(shown(matchOf(source, text, steps), text, 0)).toEqual(expectedOf(source, text));
      }),
      { numRuns: 2000, seed: 20_261_121 },
    );
  });

  test('finds what a pattern finds when JavaScript runs it, with every option', () => {
    const options = fc.subarray(['i', 'm', 's', 'x']).map((letters) => letters.join(''));
    fc.assert(
      fc.property(pattern, TEXT, options, (source, text, letters) => {
        const flags = {
          ignoreCase: letters.includes('i'),
          multiline: letters.includes('m'),
          dotAll: letters.includes('s'),
          extended: letters.includes('x'),
        };
        const lines = `${text}\n${text.toUpperCase()}`;
        const counted = new BoundedMatch(buildProgram(parseRegex(source, flags)), lines, {
          from: 0,
          stepsMax: STEPS_MAX,
        });
        while (counted.advance(1000));
        const found = compileRegex(source, letters).match(lines, 0);
        expect(counted.captures?.slice(0, 2)).toEqual(found && Int32Array.of(found.start, found.end));
      }),
      { numRuns: 1500, seed: 3 },
    );
  });

  test.each([
    ['(a)|b', 'ba'],
    ['(a*)(ab)*(b*)', 'aabb'],
    ['(?=(a+))a*b', 'baaab'],
    [String.raw`(a|b)\1`, 'abba'],
    ['(?!(a)b)a', 'aba'],
    ['(?<=(a)b)c', 'abc'],
  ])('%s captures in %s what JavaScript captures', (source, text) => {
    const groups = new RegExp(`${source}|`, 'u').exec('')?.length ?? 1;
    expect(shown(matchOf(source, text, 1), text, groups - 1)).toEqual(expectedOf(source, text));
  });

  test.each([
    ['(a+)+$', 'b'],
    ['(a|aa)+b', ''],
    ['(a|a)*b', ''],
    [String.raw`(a*)*\1b`, ''],
    [String.raw`((a+)\2?)+b`, ''],
    ['(?=(a+)+b)a', ''],
    ['(?:a*){40}b', ''],
    ['(?<=(a|aa)+c)b', 'b'],
    ['(?>(a|aa)+b|c)', ''],
    ['(.*)(.*)(.*)(.*)(.*)=', ''],
  ])('%s ends after a bounded number of steps', (source, end) => {
    const text = `${'a'.repeat(5000)}${end}`;
    const match = new BoundedMatch(buildProgram(parseRegex(source, NO_FLAGS)), text, { from: 0, stepsMax: STEPS_MAX });
    const run = (): void => {
      let steps = 0;
      for (; match.advance(10_000); steps += 10_000) expect(steps).toBeLessThan(STEPS_MAX + 100_000);
    };
    expect(run).toThrow(expect.objectContaining({ code: 51_156 }));
  });
});
