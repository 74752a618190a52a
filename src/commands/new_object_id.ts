import type { Env } from '../base/env.ts';

/** A new ObjectId as 24 hexadecimal digits: the second it was made in, then chance. */
export function newObjectId(env: Env): string {
  const seconds = Math.floor(env.clock.wall() / 1000);
  const chance = Array.from(env.random.bytes(8), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return seconds.toString(16).padStart(8, '0') + chance;
}
