/** `$expr` against an obvious evaluator: comparisons of two fields by the order of models, joined by logic. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeDocument } from '../bson/codec.ts';
import {
  compareModels,
  int32Sample,
  objectSample,
  valueSamples,
  type Sample,
} from '../../tests/support/arbitrary_bson.ts';
import { compileFilter } from './matcher.ts';

const COMPARISONS = {
  $eq: (order: number) => order === 0,
  $ne: (order: number) => order !== 0,
  $gt: (order: number) => order > 0,
  $gte: (order: number) => order >= 0,
  $lt: (order: number) => order < 0,
  $lte: (order: number) => order <= 0,
} as const;

type Condition =
  | {
      readonly kind: 'compare';
      readonly operator: keyof typeof COMPARISONS;
      readonly left: string;
      readonly right: string;
    }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Condition[] }
  | { readonly kind: 'not'; readonly part: Condition };

type Fields = Readonly<Record<string, Sample>>;

const field = fc.constantFrom('a', 'b', 'c');
const comparison: fc.Arbitrary<Condition> = fc.record({
  kind: fc.constant('compare' as const),
  operator: fc.constantFrom('$eq', '$ne', '$gt', '$gte', '$lt', '$lte'),
  left: field,
  right: field,
});
const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    comparison,
    fc.record({ kind: fc.constantFrom('and', 'or'), parts: fc.array(tie('condition'), { maxLength: 3 }) }),
    fc.record({ kind: fc.constant('not' as const), part: tie('condition') }),
  ),
}));

const value = fc.oneof(fc.constantFrom(...[0, 1, 2].map(int32Sample)), valueSamples);
const fields: fc.Arbitrary<Fields> = fc.record({ a: value, b: value, c: value });

function holds(asked: Condition, of: Fields): boolean {
  switch (asked.kind) {
    case 'compare':
      return COMPARISONS[asked.operator](compareModels(of[asked.left].model, of[asked.right].model));
    case 'and':
      return asked.parts.every((part) => holds(part, of));
    case 'or':
      return asked.parts.some((part) => holds(part, of));
    case 'not':
      return !holds(asked.part, of);
  }
}

function written(asked: Condition): object {
  switch (asked.kind) {
    case 'compare':
      return { [asked.operator]: [`$${asked.left}`, `$${asked.right}`] };
    case 'and':
    case 'or':
      return { [`$${asked.kind}`]: asked.parts.map(written) };
    case 'not':
      return { $not: [written(asked.part)] };
  }
}

test('comparisons and logic mean what an obvious evaluator says', () => {
  fc.assert(
    fc.property(condition, fields, (asked, of) => {
      const document = objectSample(Object.entries(of).map(([name, sample]) => ({ name, sample })));
      const filter = compileFilter(encodeDocument({ $expr: written(asked) }));
      const { bytes, start, end } = document.raw;
      expect(filter.matcher.matches(bytes.slice(start, end), 0)).toBe(holds(asked, of));
    }),
    { numRuns: 1500, seed: 8 },
  );
});
