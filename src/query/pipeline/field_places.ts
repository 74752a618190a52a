/**
 * The places of fields that one stage removes and a later one sets again. In MongoDB a document that passes from stage to
 * stage keeps the place of a field that is gone, so that the field comes back where it was.
 *
 * Documents are bytes and have no such places. Where stages of one pipeline remove and set the same field, each document
 * between them has an *outline* beside it: the document with everything in it that was ever there. Whatever makes documents
 * anew, a file among others, loses it.
 */
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { PathSet } from '../path_set.ts';

type ChangeDocument = (document: Uint8Array) => Uint8Array;

/** The paths that a stage sets, and those that may be gone behind it. */
export interface PathChanges {
  readonly sets: readonly string[];
  readonly removes: readonly string[];
}

interface PlacedStage {
  readonly removes: PathSet;
  /** Whether its documents need outlines: known when all stages are compiled. */
  isPlaced: boolean;
}

/** Of one pipeline. */
export class FieldPlaces {
  /** Stages through which documents keep their places, so far. */
  #run: PlacedStage[] = [];
  readonly #outlines = new WeakMap<Uint8Array, Uint8Array>();

  /** How many stages there are in the run. */
  get length(): number {
    return this.#run.length;
  }

  /** The change that a stage makes, keeping places where that matters. Called in the order of the stages. */
  keeping(change: ChangeDocument, changes: PathChanges): ChangeDocument {
    const stage: PlacedStage = { removes: new PathSet(changes.removes), isPlaced: false };
    const first = this.#run.findIndex(({ removes }) => changes.sets.some((path) => removes.touches(path)));
    this.#run.push(stage);
    if (first >= 0) for (const one of this.#run.slice(first)) one.isPlaced = true;
    const sets = new Set(changes.sets);
    return (document) => (stage.isPlaced ? this.#arranged(document, change(document), sets) : change(document));
  }

  /** A stage makes documents of its own. */
  interrupt(): void {
    this.#run = [];
  }

  #arranged(document: Uint8Array, made: Uint8Array, sets: ReadonlySet<string>): Uint8Array {
    const arranged = arrange(this.#outlines.get(document) ?? document, made, { path: '', sets });
    this.#outlines.set(arranged.document, arranged.outline);
    return arranged.document;
  }
}

interface Arranged {
  readonly document: Uint8Array;
  readonly outline: Uint8Array;
}

interface Element {
  readonly type: number;
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly to: number;
  /** Of the value. */
  readonly start: number;
}

/** The fields of `made` in the order of the outline, new ones last. Values that were set as a whole are not entered. */
function arrange(
  outline: Uint8Array,
  made: Uint8Array,
  place: { readonly path: string; readonly sets: ReadonlySet<string> },
): Arranged {
  const now = elementsOf(made);
  if (now === undefined) return { document: made, outline: made };
  const document = new BsonWriter(made.length + 64).startDocument();
  const next = new BsonWriter(outline.length + 64).startDocument();
  const both = ({ bytes, from, to }: Element): void => {
    document.element(bytes, from, to);
    next.element(bytes, from, to);
  };
  for (const [name, before] of elementsOf(outline) ?? []) {
    const element = now.get(name);
    now.delete(name);
    const path = `${place.path}${name}`;
    if (element === undefined) next.element(before.bytes, before.from, before.to);
    else if (isDocument(element) && isDocument(before) && !place.sets.has(path)) {
      const inner = arrange(wholeOf(before), wholeOf(element), { path: `${path}.`, sets: place.sets });
      document.document(name, inner.document);
      next.document(name, inner.outline);
    } else both(element);
  }
  for (const element of now.values()) both(element);
  return { document: document.endDocument().finish(), outline: next.endDocument().finish() };
}

/** By name, in order; undefined when a name comes twice. */
function elementsOf(document: Uint8Array): Map<string, Element> | undefined {
  const elements = new Map<string, Element>();
  const reader = new ElementReader(document);
  let count = 0;
  for (; reader.next(); count++) {
    const { type, bytes, elementStart: from, end: to, start } = reader;
    elements.set(reader.name(), { type, bytes, from, to, start });
  }
  return elements.size === count ? elements : undefined;
}

function isDocument({ type }: Element): boolean {
  return type === BSON_TYPE.object;
}

function wholeOf({ bytes, start, to }: Element): Uint8Array {
  return bytes.subarray(start, to);
}
