/** ObjectIds for documents that come without `_id`. */
import { invariant } from '../base/invariant.ts';

/**
 * A new id, from what must make it unique: the time, 5 bytes drawn once per process, and a counter that starts at a
 * random number and wraps at 2^24. All parts are big-endian, so that ids of one process sort by age.
 * Source: the ObjectId specification of MongoDB's drivers.
 */
export function newObjectId(random: Uint8Array, seconds: number, counter: number): Uint8Array {
  invariant(random.length === 5, 'an ObjectId has 5 random bytes');
  const id = new Uint8Array(12);
  id[0] = seconds >>> 24;
  id[1] = seconds >>> 16;
  id[2] = seconds >>> 8;
  id[3] = seconds;
  id.set(random, 4);
  id[9] = counter >>> 16;
  id[10] = counter >>> 8;
  id[11] = counter;
  return id;
}

/** Seconds since 1970 at which the id was made. */
export function secondsOfObjectId(id: Uint8Array, at = 0): number {
  return ((id[at] << 24) | (id[at + 1] << 16) | (id[at + 2] << 8) | id[at + 3]) >>> 0;
}
