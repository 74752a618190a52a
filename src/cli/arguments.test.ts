import { describe, expect, test } from 'vitest';
import { describeOptions, parseArguments, UsageError, type OptionTable } from './arguments.ts';

const TABLE: OptionTable = {
  port: { kind: 'integer', placeholder: 'n', help: 'the port' },
  dbpath: { kind: 'text', help: 'the folder' },
  setParameter: { kind: 'list', help: 'a parameter' },
  quiet: { kind: 'flag', help: 'say less' },
  help: { kind: 'flag', alias: 'h', help: 'help' },
};

describe('command lines', () => {
  test('take values after a space or an equals sign', () => {
    const parsed = parseArguments(TABLE, ['--port', '27017', '--dbpath=/data/a=b', '--quiet', 'uri']);
    expect(parsed.integer('port')).toBe(27017);
    expect(parsed.text('dbpath')).toBe('/data/a=b');
    expect(parsed.has('quiet')).toBe(true);
    expect(parsed.positionals).toEqual(['uri']);
  });

  test('keep all values of a list and the last of everything else', () => {
    const parsed = parseArguments(TABLE, ['--setParameter', 'a=1', '--setParameter=b=2', '--port', '1', '--port', '2']);
    expect(parsed.list('setParameter')).toEqual(['a=1', 'b=2']);
    expect(parsed.integer('port')).toBe(2);
  });

  test('accept an alias', () => {
    expect(parseArguments(TABLE, ['-h']).has('help')).toBe(true);
  });

  test.each([
    [
      'an unknown option by its name',
      ['--wiredTigerCacheSizeGB', '1'],
      "unrecognised option '--wiredTigerCacheSizeGB'",
    ],
    ['a missing value', ['--port'], 'option --port needs a value'],
    ['an empty value', ['--dbpath='], 'option --dbpath needs a value'],
    ['an option in place of a value', ['--dbpath', '--quiet'], 'option --dbpath needs a value'],
    ['a number that is none', ['--port', '12x'], "option --port needs a whole number, not '12x'"],
    ['a value for a flag', ['--quiet=yes'], "option '--quiet=yes' takes no value"],
  ])('refuse %s', (_, words, message) => {
    expect(() => parseArguments(TABLE, words)).toThrow(new UsageError(message));
  });

  test('help shows every option in a column', () => {
    expect(
      describeOptions({ port: TABLE['port'] as OptionTable[string], quiet: TABLE['quiet'] as OptionTable[string] }),
    ).toBe('  --port <n>  the port\n  --quiet     say less\n');
  });
});
