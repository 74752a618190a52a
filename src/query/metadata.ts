/**
 * What is known of documents besides what they hold: how well they fit a text search, how far from a point they lie.
 *
 * Documents are bytes, so what is known of them stands beside, kept by the very array that holds a document. A condition
 * *provides* a kind of metadata for its query, `$meta` *asks* for it; it is kept only when both happened. A stage that
 * makes a new document of another carries it over.
 */
import { CommandError } from '../base/command_error.ts';
import type { RawValue } from '../bson/value.ts';

export type MetadataKind = 'textScore' | 'geoNearDistance' | 'geoNearPoint';

/** How MongoDB's messages call them. */
const DESCRIPTIONS: Readonly<Record<MetadataKind, string>> = {
  textScore: 'text score',
  geoNearDistance: '$geoNear distance',
  geoNearPoint: '$geoNear point',
};

export function isMetadataKind(kind: string): kind is MetadataKind {
  return Object.hasOwn(DESCRIPTIONS, kind);
}

/** The metadata of one query's documents. */
export class DocumentMetadata {
  readonly #provided = new Set<MetadataKind>();
  /** The kinds that are kept. */
  readonly #asked = new Set<MetadataKind>();
  #isUsed = false;
  readonly #values = new WeakMap<Uint8Array, Map<MetadataKind, RawValue>>();

  /** Called while the filter is compiled, before anything asks. */
  provide(...kinds: readonly MetadataKind[]): void {
    for (const kind of kinds) this.#provided.add(kind);
  }

  /** Throws 40218 when no condition provides it. */
  ask(kind: MetadataKind): void {
    if (!this.#provided.has(kind)) {
      const text = `query requires ${DESCRIPTIONS[kind]} metadata, but it is not available`;
      throw new CommandError(40_218, text);
    }
    this.#asked.add(kind);
    this.#isUsed = true;
  }

  /** As {@link ask}, for whoever takes it from the documents of the condition itself: then it need not be carried over. */
  keep(kind: MetadataKind): void {
    this.#asked.add(kind);
  }

  isAsked(kind: MetadataKind): boolean {
    return this.#asked.has(kind);
  }

  /** Whether it must stay with documents on their way through a query. */
  get isUsed(): boolean {
    return this.#isUsed;
  }

  /** `document` is the array that is handed on, not a copy. */
  set(document: Uint8Array, kind: MetadataKind, value: RawValue): void {
    const known = this.#values.get(document);
    if (known === undefined) this.#values.set(document, new Map([[kind, value]]));
    else known.set(kind, value);
  }

  get(document: Uint8Array, kind: MetadataKind): RawValue | undefined {
    return this.#values.get(document)?.get(kind);
  }

  /** `to` was made of `from`. */
  carry(from: Uint8Array, to: Uint8Array): void {
    const known = this.#values.get(from);
    if (known !== undefined && from !== to) this.#values.set(to, known);
  }
}
