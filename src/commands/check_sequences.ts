/** The documents that come beside a command are checked before it runs: a few megabytes in each turn. */
import type { Env } from '../base/env.ts';
import { CHECKED_BYTES_PER_TURN } from '../base/limits.ts';
import type { Message } from '../wire/message.ts';
import { SequenceCheck } from '../wire/parse.ts';

/** Undefined when they could be checked at once. Throws, or rejects with, CommandError for what is no BSON. */
export function checkSequences({ sequences }: Message, env: Env): Promise<void> | undefined {
  if (sequences.length === 0) return undefined;
  const check = new SequenceCheck(sequences);
  return check.advance(CHECKED_BYTES_PER_TURN) ? undefined : goOn(check, env);
}

async function goOn(check: SequenceCheck, env: Env): Promise<void> {
  do await env.breathe();
  while (!check.advance(CHECKED_BYTES_PER_TURN));
}
