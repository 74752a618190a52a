/** Fingerprints of the data: equal on two members if and only if their collections hold the same bytes. */
import { createHash } from 'node:crypto';
import type { Env } from '../base/env.ts';
import { invariant } from '../base/invariant.ts';
import type { Timestamp } from '../base/optime.ts';
import type { Collection } from './catalog/collection.ts';
import { Turn } from './turn.ts';

/** md5 as hexadecimal digits, per namespace and over all of them in the order of their names. */
export interface DataHash {
  readonly collections: Readonly<Record<string, string>>;
  readonly all: string;
}

/** Hashes documents in the order of their `_id`s, as of `at`. Yields; `check` may throw to give up. */
export async function hashCollections(
  env: Env,
  collections: readonly Collection[],
  at: Timestamp,
  check: () => void,
): Promise<DataHash> {
  const turn = new Turn(env.clock);
  const all = createHash('md5');
  const hashes: Record<string, string> = {};
  for (const collection of collections.toSorted((a, b) => (a.ns < b.ns ? -1 : 1))) {
    const hash = createHash('md5');
    const cursor = collection.ids.cursor({ at });
    while (cursor.next()) {
      const document = collection.documentAt(cursor.value, at);
      invariant(document !== undefined, () => `an _id of ${collection.ns} leads to a document`);
      hash.update(document);
      if (!turn.isOver()) continue;
      await env.breathe();
      check();
      turn.restart();
    }
    const digest = hash.digest('hex');
    hashes[collection.ns] = digest;
    all.update(digest);
  }
  return { collections: hashes, all: all.digest('hex') };
}
