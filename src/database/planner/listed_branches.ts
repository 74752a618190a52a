/** Very many alternatives of an `$or` that ask for one value each: as a list of values they are planned at once. */
import { BSON_TYPE } from '../../bson/types.ts';
import { membership } from '../../query/match/in_operator.ts';
import type { ComparisonOperator, Predicate } from '../../query/match/predicate.ts';
import { BINARY_ORDER } from '../../query/value_order.ts';

/** Fewer branches than this are planned each for itself. */
const BRANCHES_MIN = 200;

type Equality = Extract<Predicate, { readonly kind: ComparisonOperator }>;

/** Equalities of one path become one `$in` where the first of them stood, when there are very many branches. */
export function withListedValues(branches: readonly Predicate[]): readonly Predicate[] {
  if (branches.length < BRANCHES_MIN) return branches;
  const byPath = new Map<string, Equality[]>();
  const kept: (Predicate | Equality[])[] = [];
  for (const branch of branches) {
    if (!isListable(branch)) {
      kept.push(branch);
      continue;
    }
    const others = byPath.get(branch.path);
    if (others !== undefined) others.push(branch);
    else {
      const list = [branch];
      byPath.set(branch.path, list);
      kept.push(list);
    }
  }
  return kept.map((one) => (Array.isArray(one) ? listOf(one) : one));
}

/** A regular expression in an `$in` means more than itself. */
function isListable(branch: Predicate): branch is Equality {
  return branch.kind === 'eq' && branch.collation === undefined && branch.value.type !== BSON_TYPE.regex;
}

function listOf(equalities: readonly Equality[]): Predicate {
  const [only] = equalities;
  if (equalities.length === 1) return only;
  return membership(
    only.path,
    equalities.map(({ value }) => value),
    BINARY_ORDER,
  );
}
