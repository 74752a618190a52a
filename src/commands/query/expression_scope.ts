/** What the expressions of a command see: one instant for all of it, the cluster time, chance, and its `let`. */
import { commandScope, type ExpressionScope } from '../../query/expression.ts';
import type { TurnTime } from '../../query/pace.ts';
import { BINARY_ORDER, type ValueOrder } from '../../query/value_order.ts';
import type { CommandContext } from '../context.ts';

interface ScopeOptions {
  /** The command's `let`. */
  readonly variables?: Uint8Array | undefined;
  /** Absent: the binary one. */
  readonly order?: ValueOrder;
  /** Absent: what takes long is not interrupted. */
  readonly turn?: TurnTime;
}

/** Throws CommandError when an expression of `let` fails or reads a document. */
export function expressionScope(
  context: CommandContext,
  { variables, order = BINARY_ORDER, turn }: ScopeOptions = {},
): ExpressionScope {
  const { env, data } = context;
  return commandScope({
    now: env.clock.wall(),
    clusterTime: data.clock.now,
    random: () => env.random.uint32() / 2 ** 32,
    variables,
    order,
    turn,
  });
}
