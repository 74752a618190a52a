import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isBelowOneOf, PathSet } from './path_set.ts';

const names = fc.constantFrom('a', 'b', 'ab', '');
const paths = fc.array(names, { minLength: 1, maxLength: 4 }).map((components) => components.join('.'));

const isWithin = (path: string, other: string): boolean => path.startsWith(`${other}.`);

test('a set of paths says of another what looking at each of them says', () => {
  fc.assert(
    fc.property(fc.array(paths, { maxLength: 5 }), paths, (list, path) => {
      const set = new PathSet(list);
      expect(isBelowOneOf(path, new Set(list))).toBe(list.some((one) => isWithin(path, one)));
      expect(set.covers(path)).toBe(list.some((one) => one === path || isWithin(path, one)));
      expect(set.touches(path)).toBe(list.some((one) => one === path || isWithin(path, one) || isWithin(one, path)));
    }),
  );
});
