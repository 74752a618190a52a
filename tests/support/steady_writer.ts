/** A client that writes and keeps account: what a member must hold, given what it acknowledged. */
import { expect } from 'vitest';
import type { SeededRandom } from '../../src/sim/seeded_random.ts';
import type { RawClient, Reply } from './raw_client.ts';

export const WRITER_NS = { db: 'test', collection: 'c' } as const;

interface Item {
  readonly _id: string;
  readonly w: number;
  readonly n: number;
  readonly tags: readonly number[];
  readonly text: string;
}

/** What one statement of a command does to one document. */
type Change = { readonly id: string; readonly after: Item | undefined };

interface Request {
  readonly command: Readonly<Record<string, unknown>>;
  /** In the order in which the member carries them out; a dead one has done the first few of them. */
  readonly changes: readonly Change[];
}

const STATEMENTS_MAX = 20;
const DOCUMENTS_MAX = 400;
const LONG_TEXT_LENGTH = 12_000;

/**
 * Writes documents that are its own, one request at a time. Invariant: the member holds the documents after all
 * acknowledged requests, or after these and the first few statements of the one that is not answered.
 */
export class SteadyWriter {
  readonly #number: number;
  readonly #random: SeededRandom;
  readonly #documents = new Map<string, Item>();
  #lastId = 0;
  #unanswered: readonly Change[] = [];
  acknowledged = 0;
  acknowledgedWithJournal = 0;

  constructor(number: number, random: SeededRandom) {
    this.#number = number;
    this.#random = random;
  }

  /** Writes until the connection ends or `goesOn` says no after an acknowledged request; any error reply rejects. */
  async write(client: RawClient, goesOn: () => boolean): Promise<void> {
    do {
      const { command, changes } = this.#nextRequest();
      const isJournaled = this.#random.chance(0.3);
      this.#unanswered = changes;
      let reply: Reply;
      try {
        reply = await client.command({ ...command, writeConcern: { w: 1, j: isJournaled }, $db: WRITER_NS.db });
      } catch (error) {
        if (client.isEnded) return;
        throw error;
      }
      expect(reply).toMatchObject({ ok: 1, n: changes.length });
      expect(reply).not.toHaveProperty('writeErrors');
      this.#settle(changes);
      this.acknowledged += 1;
      if (isJournaled) this.acknowledgedWithJournal += 1;
    } while (goesOn());
  }

  /** Asks for this writer's documents and holds them against its account. */
  async check(client: RawClient): Promise<void> {
    const filter = { w: this.#number };
    const sort = { _id: 1 };
    const reply = await client.command({
      find: WRITER_NS.collection,
      filter,
      sort,
      batchSize: 100_000,
      $db: WRITER_NS.db,
    });
    const { firstBatch } = reply['cursor'] as { firstBatch: Item[] };
    const found = new Map(firstBatch.map((item) => [item._id, JSON.stringify(item)]));
    const unanswered = this.#unanswered;
    this.#unanswered = [];
    for (const change of unanswered) {
      if (this.#differences(found).length === 0) return;
      this.#settle([change]);
    }
    expect(this.#differences(found), `what differs for writer ${this.#number}`).toEqual([]);
  }

  #differences(found: ReadonlyMap<string, string>): string[] {
    const ids = new Set([...found.keys(), ...this.#documents.keys()]);
    const different = [...ids].filter((id) => found.get(id) !== JSON.stringify(this.#documents.get(id)));
    return different.map((id) => {
      if (!found.has(id)) return `${id} is missing`;
      return this.#documents.has(id) ? `${id} is not as acknowledged` : `${id} was deleted and is there`;
    });
  }

  #settle(changes: readonly Change[]): void {
    for (const { id, after } of changes) {
      if (after === undefined) this.#documents.delete(id);
      else this.#documents.set(id, after);
    }
    this.#unanswered = [];
  }

  #nextRequest(): Request {
    const random = this.#random;
    const count = 1 + random.below(STATEMENTS_MAX);
    if (this.#documents.size < STATEMENTS_MAX) return this.#insert(count);
    if (this.#documents.size > DOCUMENTS_MAX) return this.#delete(STATEMENTS_MAX);
    const choice = random.fraction();
    if (choice < 0.45) return this.#insert(count);
    return choice < 0.8 ? this.#update(count) : this.#delete(count);
  }

  #insert(count: number): Request {
    const documents = Array.from({ length: count }, () => {
      this.#lastId += 1;
      return this.#item(`${this.#number}:${this.#lastId}`);
    });
    return {
      command: { insert: WRITER_NS.collection, documents },
      changes: documents.map((item) => ({ id: item._id, after: item })),
    };
  }

  /** Some fields of one half of the documents, the other half replaced. */
  #update(count: number): Request {
    const changes = this.#pick(count).map((old) => {
      const fresh = this.#item(old._id);
      return this.#random.chance(0.5)
        ? { old, after: { ...old, n: fresh.n, text: fresh.text }, isReplaced: false }
        : { old, after: fresh, isReplaced: true };
    });
    const updates = changes.map(({ old, after, isReplaced }) => ({
      q: { _id: old._id },
      u: isReplaced ? after : { $set: { n: after.n, text: after.text } },
    }));
    return {
      command: { update: WRITER_NS.collection, updates },
      changes: changes.map(({ after }) => ({ id: after._id, after })),
    };
  }

  #delete(count: number): Request {
    const ids = this.#pick(count).map(({ _id }) => _id);
    const deletes = ids.map((id) => ({ q: { _id: id }, limit: 1 }));
    return {
      command: { delete: WRITER_NS.collection, deletes },
      changes: ids.map((id) => ({ id, after: undefined })),
    };
  }

  #pick(count: number): Item[] {
    return this.#random.shuffled([...this.#documents.values()]).slice(0, count);
  }

  #item(_id: string): Item {
    const random = this.#random;
    const length = random.chance(0.02) ? LONG_TEXT_LENGTH : random.below(300);
    return {
      _id,
      w: this.#number,
      n: random.below(1000),
      tags: Array.from({ length: random.below(4) }, () => random.below(50)),
      text: 'x'.repeat(length),
    };
  }
}
