/**
 * What is known of documents besides what they hold: how well they fit a text search, how far from a point they lie.
 *
 * Documents are bytes, so what is known of them stands beside, kept by the very array that holds a document. A condition
 * *provides* a kind of metadata for its query, `$meta` *asks* for it; it is kept only when both happened. A stage that
 * makes a new document of another carries it over.
 */
import { CommandError } from '../base/command_error.ts';
import { invariant } from '../base/invariant.ts';
import { uint32At } from '../bson/bytes.ts';
import { ElementReader } from '../bson/elements.ts';
import { copyValue, type RawValue } from '../bson/value.ts';
import { BsonWriter } from '../bson/writer.ts';
import type { Baggage } from './spill/spill_file.ts';

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
export class DocumentMetadata implements Baggage {
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

  /** For a temporary file: the document, and behind it a document of what is known. */
  packed(document: Uint8Array): Uint8Array {
    const known = this.#isUsed ? this.#values.get(document) : undefined;
    if (known === undefined) return document;
    const writer = new BsonWriter().startDocument();
    for (const [kind, value] of known) writer.value(kind, value);
    const more = writer.endDocument().finish();
    const bytes = new Uint8Array(document.length + more.length);
    bytes.set(document);
    bytes.set(more, document.length);
    return bytes;
  }

  /** The document out of what {@link packed} gave; what was known of it is known of this one. */
  unpacked(bytes: Uint8Array): Uint8Array {
    const size = uint32At(bytes, 0);
    if (size === bytes.length) return bytes;
    const document = bytes.slice(0, size);
    const reader = new ElementReader(bytes, size);
    while (reader.next()) {
      const kind = reader.name();
      invariant(isMetadataKind(kind), () => `${kind} is a kind of metadata`);
      this.set(document, kind, copyValue(reader.value()));
    }
    return document;
  }

  /** `to` was made of `from`. */
  carry(from: Uint8Array, to: Uint8Array): void {
    const known = this.#values.get(from);
    if (known !== undefined && from !== to) this.#values.set(to, known);
  }
}
