/** Copying a collection from another member: documents come in as they are, without entries and below every timestamp. */
import { TIMESTAMP_NULL } from '../base/optime.ts';
import { invariant } from '../base/invariant.ts';
import type { Collection } from './catalog/collection.ts';
import { buildAlone, type BuildTarget } from './run/index_build.ts';
import { isIdKey, storedIndexSpec } from './index/index_spec.ts';
import { idOf } from './insertable.ts';
import type { SessionStore } from './sessions.ts';

/** What is created: options and indexes as listCollections and listIndexes show them. */
export interface CloneRequest {
  readonly ns: string;
  /** 16 bytes. */
  readonly uuid: Uint8Array;
  /** The `options` document of listCollections, without the uuid. */
  readonly options: Uint8Array;
  /** Specs as listIndexes shows them, the one of `_id` included. */
  readonly indexes: readonly Uint8Array[];
}

/** A collection being copied. What it writes is seen by every reader and kept by rollbacks. */
export interface CloneTarget {
  /** Adds documents in the order of the source. Replaces one whose `_id` is already there. Await what it returns. */
  insert(documents: readonly Uint8Array[]): Promise<void> | undefined;
  /** Ends the copy: builds the secondary indexes. Yields. */
  finish(): Promise<void>;
  readonly documents: number;
}

export type CloneParts = BuildTarget;

export class CollectionClone implements CloneTarget {
  readonly #parts: CloneParts;
  readonly #collection: Collection;
  readonly #indexes: readonly Uint8Array[];
  documents = 0;

  constructor(parts: CloneParts, request: CloneRequest) {
    this.#parts = parts;
    this.#indexes = request.indexes;
    this.#collection = parts.catalog.create(request, TIMESTAMP_NULL);
  }

  insert(documents: readonly Uint8Array[]): Promise<void> | undefined {
    const collection = this.#collection;
    invariant(collection.gone === undefined, 'a collection that is copied stays');
    for (const document of documents) {
      const idKey = collection.idKey(idOf(document));
      const existing = collection.ids.get(idKey);
      const recordId = existing ?? collection.takeRecordId();
      if (existing === undefined) {
        collection.documents.add(recordId, document, TIMESTAMP_NULL);
        collection.ids.add(idKey, recordId, TIMESTAMP_NULL);
      } else {
        collection.documents.put(recordId, document, TIMESTAMP_NULL);
      }
    }
    this.documents += documents.length;
    return this.#parts.store.backpressure();
  }

  async finish(): Promise<void> {
    const specs = this.#indexes.map((document) => storedIndexSpec(document)).filter((spec) => !isIdKey(spec.key));
    await buildAlone(this.#parts, this.#collection, specs, TIMESTAMP_NULL);
  }
}

/** The copy of `config.transactions`: its records fill the session table. */
export class SessionsClone implements CloneTarget {
  readonly #sessions: SessionStore;
  documents = 0;

  constructor(sessions: SessionStore) {
    this.#sessions = sessions;
  }

  insert(documents: readonly Uint8Array[]): undefined {
    for (const document of documents) this.#sessions.copy(document, TIMESTAMP_NULL);
    this.documents += documents.length;
  }

  async finish(): Promise<void> {}
}
