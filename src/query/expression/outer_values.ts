/**
 * Expressions that look at nothing but the variables of a stage around their pipeline, and what never changes: computed as
 * soon as the variables have their values. So an error in one shows even when no document comes.
 */
import type { Expression, OuterScope, Value } from './types.ts';

const NO_DOCUMENT = Uint8Array.of(5, 0, 0, 0, 0);

interface Computed {
  readonly evaluate: (root: Uint8Array) => Value;
  value: Value;
  /** It is part of another one, and computed with it. */
  isPart: boolean;
}

/** Those of one stage. */
export class OuterValues implements OuterScope {
  /** How many pipelines are around: the variables of inner stages change more often. */
  readonly depth: number;
  /** Those that are no parts. */
  readonly #computed = new Map<Expression, Computed>();

  constructor(depth: number) {
    this.depth = depth;
  }

  /** The expression of those parts. */
  add(parts: readonly Expression[], evaluate: (root: Uint8Array) => Value): Expression {
    for (const part of parts) {
      const computed = this.#computed.get(part);
      if (computed !== undefined) computed.isPart = true;
      this.#computed.delete(part);
    }
    const computed: Computed = { evaluate, value: undefined, isPart: false };
    const expression: Expression = {
      constant: undefined,
      outer: this,
      evaluate: (root) => (computed.isPart ? evaluate(root) : computed.value),
    };
    this.#computed.set(expression, computed);
    return expression;
  }

  /** The variables have new values. */
  compute(): void {
    for (const computed of this.#computed.values()) computed.value = computed.evaluate(NO_DOCUMENT);
  }
}

/** Where an expression of those parts belongs; undefined when a part looks at the document, or all are fixed. */
export function outerOf(parts: readonly Expression[]): OuterScope | undefined {
  let innermost: OuterScope | undefined;
  for (const { outer, constant, isMissing } of parts) {
    if (outer === undefined && constant === undefined && isMissing !== true) return undefined;
    if (outer !== undefined && outer.depth >= (innermost?.depth ?? 0)) innermost = outer;
  }
  return innermost;
}
