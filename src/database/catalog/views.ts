/**
 * Views: collections that are a pipeline over another one.
 *
 * Their definitions are the documents `{_id: ns, viewOn, pipeline, collation?}` of the collection `system.views` of their
 * database, and nothing else: they are read where they lie, so replication, rollback, restart and initial sync bring them
 * along without knowing what they are.
 */
import { CommandError } from '../../base/command_error.ts';
import { invariant } from '../../base/invariant.ts';
import { TIMESTAMP_MAX } from '../../base/optime.ts';
import { equalBytes, fieldName } from '../../bson/bytes.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { rawString, stringOf } from '../../bson/value.ts';
import { foreignCollectionNames } from '../../query/pipeline/foreign_names.ts';
import type { Catalog } from './catalog.ts';
import { databaseOf } from './collection.ts';
import { ID_NAME } from '../insertable.ts';

/** Longest chain of views over views. Source: the manual, "MongoDB Limits and Thresholds: View Depth". */
const VIEW_DEPTH_MAX = 20;

const SYSTEM_VIEWS = 'system.views';
const VIEW_ON = fieldName('viewOn');
const PIPELINE = fieldName('pipeline');
const COLLATION = fieldName('collation');

export interface View {
  readonly ns: string;
  /** The namespace below it: a collection, another view, or nothing. */
  readonly viewOn: string;
  readonly pipeline: readonly Uint8Array[];
  /** All its fields; undefined for simple comparison. */
  readonly collation: Uint8Array | undefined;
  /** As stored. */
  readonly document: Uint8Array;
}

/** What reading a view comes to. */
export interface ResolvedView {
  readonly view: View;
  /** The collection at the bottom. */
  readonly ns: string;
  /** All pipelines on the way, the lowest first. */
  readonly pipeline: readonly Uint8Array[];
}

/** Where the views of a database are kept. */
export function viewsNamespace(db: string): string {
  return `${db}.${SYSTEM_VIEWS}`;
}

export function findView(catalog: Catalog, ns: string): View | undefined {
  const collection = catalog.find(viewsNamespace(databaseOf(ns)));
  if (collection === undefined) return undefined;
  const recordId = collection.recordOf(collection.idKeyView(rawString(ns)), TIMESTAMP_MAX);
  if (recordId === undefined) return undefined;
  const document = collection.documentAt(recordId, TIMESTAMP_MAX);
  return document === undefined ? undefined : readView(document);
}

/** In the order they were made. */
export function viewsOf(catalog: Catalog, db: string): View[] {
  const views: View[] = [];
  const cursor = catalog.find(viewsNamespace(db))?.documents.cursor();
  while (cursor?.next() === true) {
    const view = readView(cursor.value);
    if (view !== undefined) views.push(view);
  }
  return views;
}

/** Throws when a write is about a view. */
export function refuseView(catalog: Catalog, ns: string): void {
  if (findView(catalog, ns) === undefined) return;
  throw new CommandError('CommandNotSupportedOnView', `Namespace ${ns} is a view, not a collection`);
}

/** Follows views down to their collection; undefined when `ns` is none. Throws ViewDepthLimitExceeded. */
export function resolveView(catalog: Catalog, ns: string): ResolvedView | undefined {
  if (catalog.find(ns) !== undefined) return undefined;
  const view = findView(catalog, ns);
  if (view === undefined) return undefined;
  let pipeline = view.pipeline;
  let below = view;
  for (let depth = 1; depth < VIEW_DEPTH_MAX; depth++) {
    const next = catalog.find(below.viewOn) === undefined ? findView(catalog, below.viewOn) : undefined;
    if (next === undefined) return { view, ns: below.viewOn, pipeline };
    pipeline = [...next.pipeline, ...pipeline];
    below = next;
  }
  const text = `View depth too deep or view cycle detected; maximum depth is ${VIEW_DEPTH_MAX}`;
  throw new CommandError('ViewDepthLimitExceeded', text);
}

/**
 * Checks a new or changed view against all others: it must not lead back to itself (GraphContainsCycle), not be part of a
 * chain that is too long (ViewDepthLimitExceeded), and compare as those do that it reads (OptionNotSupportedOnView).
 */
export function checkViewGraph(catalog: Catalog, changed: View): void {
  const views = new Map<string, View>();
  for (const view of viewsOf(catalog, databaseOf(changed.ns))) views.set(view.ns, view);
  views.set(changed.ns, changed);
  checkCollations(changed, views);
  const cycle = cycleThrough(changed.ns, views);
  if (cycle !== undefined) {
    const shown = [changed.ns, ...cycle.toReversed()].join(' => ');
    throw new CommandError('GraphContainsCycle', `View cycle detected: ${shown}`);
  }
  const heights = new Map<string, number>();
  for (const ns of views.keys()) {
    if (heightOf(ns, views, heights) <= VIEW_DEPTH_MAX) continue;
    throw new CommandError('ViewDepthLimitExceeded', `View depth limit exceeded; maximum depth is ${VIEW_DEPTH_MAX}`);
  }
}

/** Undefined for a document that is no definition: somebody wrote to the collection by hand. */
function readView(document: Uint8Array): View | undefined {
  const id = findField(document, ID_NAME);
  const viewOn = findField(document, VIEW_ON);
  const pipeline = findField(document, PIPELINE);
  const collation = findField(document, COLLATION);
  if (id?.type !== BSON_TYPE.string || viewOn?.type !== BSON_TYPE.string) return undefined;
  const stages: Uint8Array[] = [];
  if (pipeline !== undefined) {
    const items = new ElementReader(pipeline.bytes, pipeline.start);
    while (items.next()) if (items.type === BSON_TYPE.object) stages.push(document.subarray(items.start, items.end));
  }
  const ns = stringOf(id);
  return {
    ns,
    viewOn: `${databaseOf(ns)}.${stringOf(viewOn)}`,
    pipeline: stages,
    collation: collation === undefined ? undefined : document.subarray(collation.start, collation.end),
    document,
  };
}

/** The view that a definition document makes. */
export function viewOfDocument(document: Uint8Array): View {
  const view = readView(document);
  invariant(view !== undefined, 'the definition of a view is complete');
  return view;
}

function readBy(view: View): string[] {
  const db = databaseOf(view.ns);
  return [view.viewOn, ...foreignCollectionNames(view.pipeline).map((name) => `${db}.${name}`)];
}

/** The way from `start` back to itself, both included. */
function cycleThrough(start: string, views: ReadonlyMap<string, View>): string[] | undefined {
  const done = new Set<string>();
  const walk = (ns: string, path: readonly string[]): string[] | undefined => {
    const view = views.get(ns);
    if (view === undefined || done.has(ns)) return undefined;
    done.add(ns);
    for (const next of readBy(view)) {
      if (next === start) return [...path, ns, start];
      const found = walk(next, [...path, ns]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return walk(start, []);
}

/** Views on the longest way down from `ns`, itself included. The graph has no cycle through a changed view. */
function heightOf(ns: string, views: ReadonlyMap<string, View>, known: Map<string, number>): number {
  const found = known.get(ns);
  if (found !== undefined) return found;
  const view = views.get(ns);
  known.set(ns, 0);
  if (view === undefined) return 0;
  const height = 1 + Math.max(...readBy(view).map((next) => heightOf(next, views, known)));
  known.set(ns, height);
  return height;
}

function checkCollations(changed: View, views: ReadonlyMap<string, View>): void {
  for (const view of views.values()) {
    for (const ns of readBy(view)) {
      const other = views.get(ns);
      if (other === undefined || (view !== changed && other !== changed)) continue;
      if (sameCollation(view.collation, other.collation)) continue;
      const [first, second] = view === changed ? [view, other] : [other, view];
      const text = `View ${first.ns} has conflicting collation with view ${second.ns}`;
      throw new CommandError('OptionNotSupportedOnView', text);
    }
  }
}

/** Both with all their fields; undefined is simple comparison. */
export function sameCollation(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equalBytes(a, b);
}
