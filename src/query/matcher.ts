/**
 * Filters: what `find`, `update`, `delete` and `$match` select.
 *
 * A filter document is parsed once into a predicate tree (`match/parse.ts`, the operators in `match/operators.ts`), and
 * the tree is turned into functions over bytes (`match/compile.ts`). Nothing is decoded while documents are matched.
 *
 * The concepts: a *leaf* is a test of single values plus the path that leads to them; arrays on the path make it lead to
 * many, and one that passes is enough (`match/path.ts`). Comparisons hold within one class of types only
 * (`match/comparison.ts`). Negations negate the whole leaf, so they hold for documents without the field.
 *
 * Not done: `$where`; it is refused.
 */
import type { RawValue } from '../bson/value.ts';
import type { Collation } from './collation.ts';
import { BARE_SCOPE } from './expression.ts';
import type { Work } from './expression/work.ts';
import { compilePredicate } from './match/compile.ts';
import { collatedIdOf, conjunctsOf, idEqualityOf, type Conjunct } from './match/conjuncts.ts';
import type { Matcher } from './match/document_matcher.ts';
import { parseFilter } from './match/parse.ts';
import type { Predicate } from './match/predicate.ts';
import { specialConditionsOf } from './match/special_conditions.ts';

export type { Conjunct } from './match/conjuncts.ts';
export type { Matcher } from './match/document_matcher.ts';

export interface CompiledFilter {
  readonly matcher: Matcher;
  /** The whole filter as a tree. */
  readonly predicate: Predicate;
  /** Necessary, not sufficient: the matcher still decides. Regexes and conditions under `$or`/`$nor`/`$not` are not here. */
  readonly conjuncts: readonly Conjunct[];
  /** The value when the filter pins `_id` to one that is not an array, a regex, null or undefined. */
  readonly idEquality: RawValue | undefined;
  /** Whether it has a condition that only an index of its kind answers, `$text` or `$near`. */
  readonly isSpecial: boolean;
  /** As `idEquality`, where it is equality under a collation. */
  readonly collatedId: { readonly value: RawValue; readonly collation: Collation } | undefined;
  /** Set when it holds an expression, or a pattern, that may take longer than a turn. */
  readonly work: Work | undefined;
  /** Whether every document matches. */
  readonly matchesAll: boolean;
}

/**
 * Compiles a filter document, which must not change afterwards. `scope` is what its expressions see. Throws CommandError
 * for what the server would refuse.
 */
export function compileFilter(
  filter: Uint8Array,
  scope = BARE_SCOPE,
  { isUpsert }: FilterPlace = ANYWHERE,
): CompiledFilter {
  return filterOf(parseFilter(filter, scope, isUpsert));
}

/** Where a filter stands. */
export interface FilterPlace {
  /** In a write that may insert: its documents take values from the filter, which an expression does not give. */
  readonly isUpsert: boolean;
}

const ANYWHERE: FilterPlace = { isUpsert: false };

/** A filter made of a predicate. */
export function filterOf(predicate: Predicate): CompiledFilter {
  const conjuncts = conjunctsOf(predicate);
  const { nears, texts } = specialConditionsOf(predicate);
  const isSpecial = nears + texts > 0;
  return {
    matcher: compilePredicate(predicate),
    predicate,
    conjuncts,
    idEquality: isSpecial ? undefined : idEqualityOf(conjuncts),
    collatedId: isSpecial ? undefined : collatedIdOf(predicate),
    isSpecial,
    work: workOf(predicate),
    matchesAll: predicate.kind === 'and' && predicate.children.length === 0,
  };
}

/** Of the first condition that may take long; all of a command have the same. */
function workOf(predicate: Predicate): Work | undefined {
  switch (predicate.kind) {
    case 'document':
      return predicate.work;
    case 'not':
      return workOf(predicate.child);
    case 'and':
    case 'or':
    case 'nor':
      for (const child of predicate.children) {
        const work = workOf(child);
        if (work !== undefined) return work;
      }
      return undefined;
    case 'other':
      return predicate.work ?? (predicate.item && workOf(predicate.item.predicate));
    default:
      return undefined;
  }
}
