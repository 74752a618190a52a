/** A search asks for an index, also where there is not even a collection. */
import { specialConditionsOf } from '../query/match/special_conditions.ts';
import { noTextIndex } from '../query/match/text_condition.ts';
import type { CompiledFilter } from '../query/matcher.ts';

/** Throws IndexNotFound for a filter with `$text`. For namespaces without a collection. */
export function refuseTextWithoutCollection({ predicate }: CompiledFilter, ns: string): void {
  if (specialConditionsOf(predicate).texts > 0) throw noTextIndex(` (no such collection '${ns}')`);
}
