/**
 * What one client wants done: a random sequence of writes, each with the record that checkers will hold against the
 * data. Inserts alone and in batches, pushes to lists (twice applied, they show), changes of an indexed field, deletes,
 * findAndModify, and now and then collections and indexes that come and go.
 */
import { encodeDocument } from '../bson/codec.ts';
import type { History, Outcome, Promised, WriteRecord } from './history.ts';
import type { SeededRandom } from './seeded_random.ts';

export const SIM_DATABASE = 'sim';
export const INSERTS = 'inserts';
export const PUSHES = 'pushes';

/** Pushes go to the lists of as many documents at a time. */
const PUSH_KEYS = 8;

/** After as many pushes a client goes on with other lists: each push costs as much as its list is long. */
const PUSHES_PER_GENERATION = 100;
const BATCH_DOCUMENTS_MAX = 5;

/** More than are applied in one go. */
const BULK_DOCUMENTS_MAX = 300;

/** A client's numbers start here and go on from there. */
const TOKENS_PER_CLIENT = 1_000_000;

export interface Operation {
  /** The command without `$db`, session and write concern. */
  readonly body: Uint8Array;
  readonly promised: Promised;
  /** False for those that no driver would repeat by itself. */
  readonly isRetryable: boolean;
  /** One per statement, in order; none when nothing is held against the data but that it be the same everywhere. */
  readonly records: readonly WriteRecord[];
  /** Of the document with the list that it pushes to. */
  readonly key?: number;
}

/** What a good reply says of an operation. */
export interface OperationReply {
  readonly n: number | undefined;
  /** Index of the first statement that failed. */
  readonly firstError: number | undefined;
  readonly hasWriteConcernError: boolean;
}

export interface WorkloadOptions {
  readonly random: SeededRandom;
  readonly history: History;
  readonly now: () => number;
  readonly client: number;
  /** Of all writes, those that wait for a majority. */
  readonly majorityShare: number;
  /** Whether some of its inserts are large. */
  readonly hasBulks: boolean;
}

export class Workload {
  readonly #options: WorkloadOptions;
  #lastToken: number;
  #pushes = 0;
  /** Own documents that a majority has and that no delete was sent for. */
  readonly #kept: number[] = [];

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.#lastToken = options.client * TOKENS_PER_CLIENT;
  }

  /** Indexes that make the data's order matter; sent by one client at its beginning. */
  static indexes(): readonly Uint8Array[] {
    const unique = { name: 'n_1', key: { n: 1 }, unique: true };
    const group = { name: 'group_1', key: { group: 1 } };
    const tokens = { name: 'tokens_1', key: { tokens: 1 } };
    return [
      encodeDocument({ createIndexes: INSERTS, indexes: [unique, group] }),
      encodeDocument({ createIndexes: PUSHES, indexes: [tokens] }),
    ];
  }

  next(): Operation {
    const { random } = this.#options;
    const kind = random.fraction();
    if (kind < 0.4) return this.#insert();
    if (kind < 0.7) return this.#push();
    if (kind < 0.8) return this.#findAndPush();
    if (this.#kept.length > 0 && kind < 0.9) return this.#touch();
    if (this.#kept.length > 0 && kind < 0.97) return this.#remove();
    return this.#changeCatalog();
  }

  /** Notes what a reply says, in the operation's records and for what comes next. */
  settle(operation: Operation, reply: OperationReply): void {
    const { firstError = operation.records.length, hasWriteConcernError, n } = reply;
    for (const [i, record] of operation.records.entries()) {
      const isDone = i < firstError && (n === undefined || n > i);
      record.outcome = outcomeOf(isDone, i >= firstError, hasWriteConcernError);
      const isKept = record.outcome === 'acknowledged' && record.promised === 'majority';
      if (record.kind === 'insert' && isKept) this.#kept.push(record.token);
    }
  }

  #begin(kind: WriteRecord['kind'], token: number, promised: Promised): WriteRecord {
    const { history, now } = this.#options;
    return history.begin({ kind, token, promised, sentAtMs: now() });
  }

  #promise(): Promised {
    const { random, majorityShare } = this.#options;
    return random.chance(majorityShare) ? 'majority' : random.pick(['one', 'one', 'journaled']);
  }

  #token(): number {
    this.#lastToken += 1;
    return this.#lastToken;
  }

  #insert(): Operation {
    const { random, hasBulks } = this.#options;
    const promised = this.#promise();
    const isBulk = hasBulks && random.chance(0.05);
    const most = isBulk ? BULK_DOCUMENTS_MAX : BATCH_DOCUMENTS_MAX;
    const count = isBulk || random.chance(0.3) ? 1 + random.below(most) : 1;
    const records = Array.from({ length: count }, () => this.#begin('insert', this.#token(), promised));
    const pad = 'x'.repeat(random.below(300));
    const documents = records.map(({ token }) => ({ _id: token, n: token, group: random.below(5), pad }));
    return { body: encodeDocument({ insert: INSERTS, documents }), promised, isRetryable: true, records };
  }

  /** The `_id` of a document with a list that is being pushed to. */
  pushKey(): number {
    const generation = Math.floor(this.#pushes / PUSHES_PER_GENERATION);
    return generation * PUSH_KEYS + this.#options.random.below(PUSH_KEYS);
  }

  #push(): Operation {
    const promised = this.#promise();
    const token = this.#token();
    const key = this.pushKey();
    this.#pushes += 1;
    const update = { q: { _id: key }, u: { $push: { tokens: token } }, upsert: true };
    const body = encodeDocument({ update: PUSHES, updates: [update] });
    return { body, promised, isRetryable: true, records: [this.#begin('push', token, promised)], key };
  }

  #findAndPush(): Operation {
    const promised = this.#promise();
    const token = this.#token();
    const key = this.pushKey();
    this.#pushes += 1;
    const update = { $push: { tokens: token } };
    const body = encodeDocument({ findAndModify: PUSHES, query: { _id: key }, update, upsert: true });
    return { body, promised, isRetryable: true, records: [this.#begin('push', token, promised)], key };
  }

  #touch(): Operation {
    const { random } = this.#options;
    const update = { q: { _id: random.pick(this.#kept) }, u: { $set: { group: random.below(5) } } };
    const body = encodeDocument({ update: INSERTS, updates: [update] });
    return { body, promised: this.#promise(), isRetryable: true, records: [] };
  }

  #remove(): Operation {
    const promised = this.#promise();
    const [token] = this.#kept.splice(this.#options.random.below(this.#kept.length), 1);
    const body = encodeDocument({ delete: INSERTS, deletes: [{ q: { _id: token }, limit: 1 }] });
    return { body, promised, isRetryable: true, records: [this.#begin('delete', token, promised)] };
  }

  #changeCatalog(): Operation {
    const { random, client } = this.#options;
    const temporary = `temporary${client}`;
    const command = random.pick([
      { createIndexes: INSERTS, indexes: [{ name: 'pad_1', key: { pad: 1 } }] },
      { dropIndexes: INSERTS, index: 'pad_1' },
      { create: temporary },
      { insert: temporary, documents: [{ note: 'short-lived' }] },
      { drop: temporary },
    ]);
    return { body: encodeDocument(command), promised: this.#promise(), isRetryable: false, records: [] };
  }
}

function outcomeOf(isDone: boolean, hasFailed: boolean, hasWriteConcernError: boolean): Outcome {
  if (hasFailed) return 'refused';
  return isDone && !hasWriteConcernError ? 'acknowledged' : 'unknown';
}
