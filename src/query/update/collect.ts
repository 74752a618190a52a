/** An update tree and a document to the edits it makes there. */
import { CommandError } from '../../base/command_error.ts';
import { findField } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { RAW_NULL, rawObject, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { describeElement } from '../describe.ts';
import type { ArrayFilter } from '../match/item_filter.ts';
import type { UpdateContext } from './context.ts';
import { itemsOf } from './array_value.ts';
import type { ArrayEdits, DocumentEdits, Edits, FieldValue, ItemEdit, NestedEdits } from './edits.ts';
import { isEmptyEdits } from './edits.ts';
import { FieldFinder, SEARCHED_FIELDS_MAX, tableOf } from './field_finder.ts';
import type { Leaf, LeafEdit } from './leaf.ts';
import {
  child,
  mergeChildren,
  mergeNodes,
  type FieldsNode,
  type ItemsNode,
  type UpdateChild,
  type UpdateNode,
} from './tree.ts';
import { updateIndex } from './update_path.ts';

/** Most nulls that one update puts between an array's end and a new index. Source: MongoDB's limit. */
const PADDING_MAX = 1_500_000;

export interface CollectOptions {
  readonly context: UpdateContext;
  /** Whether the document is the seed of an upsert. */
  readonly isInsert: boolean;
  readonly arrayFilters: readonly ArrayFilter[];
  /** What the positional `$` stands for; throws when the filter matched no array. */
  readonly matchedIndex: () => number;
}

/** The edits; empty when the update changes nothing. Throws CommandError when it cannot be applied. */
export function collectEdits(root: FieldsNode, document: Uint8Array, options: CollectOptions): DocumentEdits {
  return new Collector(document, options).fields(root, rawObject(document), '');
}

/** What becomes of one child of a container. */
type ChildEdit =
  | { readonly kind: 'keep' }
  | { readonly kind: 'set'; readonly value: RawValue }
  | { readonly kind: 'remove' }
  | { readonly kind: 'nested'; readonly edits: Edits };

const KEEP: ChildEdit = { kind: 'keep' };

class Collector {
  readonly #document: Uint8Array;
  readonly #options: CollectOptions;
  readonly #finder = new FieldFinder();

  constructor(document: Uint8Array, options: CollectOptions) {
    this.#document = document;
    this.#options = options;
  }

  fields(node: FieldsNode, container: RawValue, path: string): DocumentEdits {
    const removes: Uint8Array[] = [];
    const replaces: FieldValue[] = [];
    const inserts: FieldValue[] = [];
    const nested: NestedEdits[] = [];
    const children = this.#resolved(node, path);
    const table = children.length > SEARCHED_FIELDS_MAX ? tableOf(container) : undefined;
    for (const { component, name, node: inner } of children) {
      const old = table === undefined ? findField(container.bytes, name, container.start) : table.get(component);
      const edit = this.#child(inner, old, joined(path, component), component);
      if (edit.kind === 'set' && old === undefined) inserts.push({ name, value: edit.value });
      else if (edit.kind === 'set') replaces.push({ name, value: edit.value });
      else if (edit.kind === 'remove') removes.push(name);
      else if (edit.kind === 'nested') nested.push({ name, edits: edit.edits });
    }
    return { kind: 'document', removes, replaces, inserts, nested };
  }

  /** Children of a node in order, with the positional `$` turned into an index. */
  #resolved(node: FieldsNode, path: string): readonly UpdateChild[] {
    const positional = node.children.find(({ component }) => component === '$');
    if (positional === undefined) return node.children;
    const index = child(String(this.#options.matchedIndex()), positional.node);
    return mergeChildren([...node.children.filter((other) => other !== positional), index], path);
  }

  #child(node: UpdateNode, old: RawValue | undefined, path: string, field: string): ChildEdit {
    if (node.kind === 'leaf') return this.#leaf(node.leaf, old, path, field);
    if (old === undefined) return this.#created(node, path);
    if (old.type === BSON_TYPE.array) {
      const items = itemsOf(old);
      const edits = node.kind === 'items' ? this.#items(node, items, path) : this.#indexed(node, old, items, path);
      return edits.items.length === 0 ? KEEP : { kind: 'nested', edits };
    }
    if (node.kind === 'items') {
      throw new CommandError(
        'BadValue',
        `Cannot apply array updates to non-array element ${describeElement(field, old)}`,
      );
    }
    if (old.type === BSON_TYPE.object) {
      const edits = this.fields(node, old, path);
      return isEmptyEdits(edits) ? KEEP : { kind: 'nested', edits };
    }
    for (const inner of this.#resolved(node, path)) this.#blocked(inner, old, path, field);
    return KEEP;
  }

  #leaf(leaf: Leaf, value: RawValue | undefined, path: string, field: string): ChildEdit {
    const edit = this.#leafEdit(leaf, value, path, field);
    if (edit.kind !== 'append') return edit;
    const items = edit.items.map((item, i): ItemEdit => ({ kind: 'value', index: edit.length + i, value: item }));
    return { kind: 'nested', edits: { kind: 'array', length: undefined, items } };
  }

  #leafEdit(leaf: Leaf, value: RawValue | undefined, path: string, field: string): LeafEdit {
    const { context, isInsert } = this.#options;
    return leaf.edit({ value, path, field, document: this.#document, finder: this.#finder, context, isInsert });
  }

  /** A path that does not exist: the document that its leaves make together. */
  #created(node: FieldsNode | ItemsNode, path: string): ChildEdit {
    if (node.kind === 'items') {
      throw new CommandError(
        'BadValue',
        `The path '${path}' must exist in the document in order to apply array updates.`,
      );
    }
    const writer = new BsonWriter().startDocument();
    let isEmpty = true;
    for (const { component, name, node: inner } of this.#resolved(node, path)) {
      const edit = this.#child(inner, undefined, joined(path, component), component);
      if (edit.kind !== 'set') continue;
      writer.value(name, edit.value);
      isEmpty = false;
    }
    return isEmpty ? KEEP : { kind: 'set', value: rawObject(writer.endDocument().finish()) };
  }

  /** Children of an array by index. */
  #indexed(node: FieldsNode, array: RawValue, old: readonly RawValue[], path: string): ArrayEdits {
    const items: ItemEdit[] = [];
    for (const inner of this.#resolved(node, path)) {
      const index = updateIndex(inner.component);
      if (index < 0) {
        this.#blocked(inner, array, path, lastComponent(path));
        continue;
      }
      if (index > old.length + PADDING_MAX) {
        throw new CommandError('CannotBackfillArray', `can't backfill more than ${PADDING_MAX} elements`);
      }
      const edit = this.#child(inner.node, old[index], joined(path, inner.component), inner.component);
      const item = itemEdit(index, edit);
      if (item !== undefined) items.push(item);
    }
    return { kind: 'array', length: undefined, items };
  }

  /** Children of an array by filter. */
  #items(node: ItemsNode, old: readonly RawValue[], path: string): ArrayEdits {
    const filters = node.children.map(({ component, node: inner }) => ({ inner, test: this.#filter(component) }));
    const items: ItemEdit[] = [];
    for (const [index, value] of old.entries()) {
      const itemPath = joined(path, String(index));
      const nodes = filters
        .filter(({ test }) => test === undefined || test(value.bytes, value.type, value.start, value.end))
        .map(({ inner }) => inner);
      const [first, ...rest] = nodes;
      if (first === undefined) continue;
      const merged = rest.reduce((a, b) => mergeNodes(a, b, itemPath), first);
      const item = itemEdit(index, this.#child(merged, value, itemPath, String(index)));
      if (item !== undefined) items.push(item);
    }
    return { kind: 'array', length: undefined, items };
  }

  /** Undefined for `$[]`, which takes every item. */
  #filter(identifier: string): ArrayFilter['test'] | undefined {
    return this.#options.arrayFilters.find((filter) => filter.identifier === identifier)?.test;
  }

  /** A path that cannot go on below `value`: fails when a leaf would create it, or wants to know. */
  #blocked(inner: UpdateChild, value: RawValue, path: string, field: string): void {
    const shown = `{${describeElement(field, value)}}`;
    this.#blockedAt(inner.node, { component: inner.component, path: joined(path, inner.component), shown });
  }

  #blockedAt(node: UpdateNode, block: Block): void {
    if (node.kind === 'items') {
      throw new CommandError(
        'BadValue',
        `The path '${block.path}' must exist in the document in order to apply array updates.`,
      );
    }
    if (node.kind === 'fields') for (const { node: deeper } of node.children) this.#blockedAt(deeper, block);
    else this.#blockedLeaf(node.leaf, block);
  }

  #blockedLeaf(leaf: Leaf, { component, path, shown }: Block): void {
    if (leaf.missingPath === 'ignore') return;
    if (leaf.missingPath === 'check') {
      throw new CommandError(
        'PathNotViable',
        `Cannot use the part (${component}) of (${path}) to traverse the element (${shown})`,
      );
    }
    if (this.#leafEdit(leaf, undefined, path, component).kind === 'keep') return;
    throw new CommandError('PathNotViable', `Cannot create field '${component}' in element ${shown}`);
  }
}

/** Where a path cannot go on: the component that is not there, its path, and the element it should be in. */
interface Block {
  readonly component: string;
  readonly path: string;
  readonly shown: string;
}

/** An item cannot be taken out of an array by its index: null is left. */
function itemEdit(index: number, edit: ChildEdit): ItemEdit | undefined {
  switch (edit.kind) {
    case 'keep':
      return undefined;
    case 'set':
      return { kind: 'value', index, value: edit.value };
    case 'remove':
      return { kind: 'value', index, value: RAW_NULL };
    case 'nested':
      return { kind: 'edits', index, edits: edit.edits };
  }
}

function joined(path: string, component: string): string {
  return path === '' ? component : `${path}.${component}`;
}

function lastComponent(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}
