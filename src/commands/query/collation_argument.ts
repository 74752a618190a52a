/** The order of values that a command asks for by its collation, or that its collection has by default. */
import { CommandError } from '../../base/command_error.ts';
import { isEmptyDocument } from '../../bson/elements.ts';
import type { Collection } from '../../database/catalog/collection.ts';
import type { ResolvedView } from '../../database/catalog/views.ts';
import { orderOf } from '../../query/collation/value_order.ts';
import { isSameCollation, parseCollation } from '../../query/collation.ts';
import { describeDocument } from '../../query/describe.ts';
import type { ExpressionScope } from '../../query/expression.ts';
import { BINARY_ORDER, type ValueOrder } from '../../query/value_order.ts';

/** `spec`: the collation as given; an empty one is none. Throws CommandError for a bad one. */
export function valueOrderFor(spec: Uint8Array | undefined, collection: Collection | undefined): ValueOrder {
  if (spec === undefined || isEmptyDocument(spec)) return orderOf(collection?.collation);
  return orderOf(parseCollation(spec));
}

/** The order of values in a view: its own collation and no other. Throws OptionNotSupportedOnView. */
export function viewOrderFor(spec: Uint8Array | undefined, { view }: ResolvedView): ValueOrder {
  const own = view.collation === undefined ? undefined : parseCollation(view.collation);
  if (spec !== undefined && !isEmptyDocument(spec) && !isSameCollation(parseCollation(spec), own)) {
    throw new CommandError('OptionNotSupportedOnView', "Cannot override a view's default collation");
  }
  return orderOf(own);
}

/** The scopes of a command whose statements have a collation each: those of equal ones are made once. */
export class StatementScopes {
  readonly #base: ExpressionScope;
  readonly #collated = new Map<string, ExpressionScope>();

  constructor(base: ExpressionScope) {
    this.#base = base;
  }

  for(spec: Uint8Array | undefined, collection: Collection | undefined): ExpressionScope {
    if (spec === undefined && collection?.collation === undefined) return this.#base;
    const key = spec === undefined ? `${collection?.key}` : describeDocument(spec);
    let scope = this.#collated.get(key);
    if (scope === undefined) {
      const order = valueOrderFor(spec, collection);
      scope = order === BINARY_ORDER ? this.#base : this.#base.ordered(order);
      this.#collated.set(key, scope);
    }
    return scope;
  }
}
