/** What the expressions of a command see: one instant for all of it, the cluster time, chance, and its `let`. */
import { commandScope, type ExpressionScope } from '../query/expression.ts';
import type { CommandContext } from './context.ts';

/** `variables`: the command's `let`. Throws CommandError when one of its expressions fails or reads a document. */
export function expressionScope(context: CommandContext, variables?: Uint8Array): ExpressionScope {
  const { env, data } = context;
  return commandScope({
    now: env.clock.wall(),
    clusterTime: data.clock.now,
    random: () => env.random.uint32() / 2 ** 32,
    variables,
  });
}
