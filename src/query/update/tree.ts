/**
 * The modifiers of an update as a tree over path components. Two modifiers may share the way to their ends but not
 * an end, nor may one end lie on the way of another: so every leaf sees the document as it was before the update.
 */
import { CommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import type { Leaf } from './leaf.ts';
import { isArrayUpdate, updateIndex, updatePath } from './update_path.ts';

export type UpdateNode = LeafNode | FieldsNode | ItemsNode;

export interface LeafNode {
  readonly kind: 'leaf';
  readonly leaf: Leaf;
}

/** Children by field name or index; '$' stands for the index that the filter matched. */
export interface FieldsNode {
  readonly kind: 'fields';
  readonly children: readonly UpdateChild[];
}

export interface UpdateChild {
  readonly component: string;
  /** `component` as bytes. */
  readonly name: Uint8Array;
  readonly node: UpdateNode;
}

/** Children for the items of an array that pass a filter: by identifier, '' for all of them. */
export interface ItemsNode {
  readonly kind: 'items';
  readonly children: readonly UpdateChild[];
}

/** A tree while it grows. */
export class TreeBuilder {
  readonly #root = new Branch('fields');

  /** Throws CommandError when the path is bad or conflicts with one that was added before. */
  add(path: string, leaf: Leaf): void {
    const components = updatePath(path);
    let branch = this.#root;
    for (const [i, component] of components.entries()) {
      const way = components.slice(0, i).join('.');
      const isItems = isArrayUpdate(component);
      if (isItems !== (branch.kind === 'items')) throw conflict(path, way);
      const key = isItems ? component.slice(2, -1) : component;
      const existing = branch.children.get(key);
      if (i === components.length - 1) {
        if (existing !== undefined) throw conflict(path, path);
        branch.children.set(key, { kind: 'leaf', leaf });
        return;
      }
      if (existing !== undefined && !(existing instanceof Branch))
        throw conflict(path, components.slice(0, i + 1).join('.'));
      const next: Branch = existing ?? new Branch(isArrayUpdate(components[i + 1]) ? 'items' : 'fields');
      branch.children.set(key, next);
      branch = next;
    }
  }

  finish(): FieldsNode {
    return { kind: 'fields', children: this.#root.finishChildren() };
  }
}

class Branch {
  readonly kind: 'fields' | 'items';
  readonly children = new Map<string, Branch | LeafNode>();

  constructor(kind: 'fields' | 'items') {
    this.kind = kind;
  }

  finishChildren(): UpdateChild[] {
    return [...this.children]
      .map(([component, node]) => child(component, node instanceof Branch ? node.finish() : node))
      .toSorted((a, b) => compareComponents(a.component, b.component));
  }

  finish(): UpdateNode {
    return { kind: this.kind, children: this.finishChildren() };
  }
}

export function child(component: string, node: UpdateNode): UpdateChild {
  return { component, name: fieldName(component), node };
}

/** Numbers by value, everything else by bytes: new fields are appended in this order. */
export function compareComponents(a: string, b: string): number {
  const aIndex = updateIndex(a);
  const bIndex = updateIndex(b);
  if (aIndex >= 0 && bIndex >= 0) return aIndex - bIndex;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/**
 * Both nodes at once: several positions of one update may lead to the same item. Throws when both end there.
 */
export function mergeNodes(a: UpdateNode, b: UpdateNode, path: string): UpdateNode {
  if (a.kind === 'leaf' || b.kind === 'leaf' || a.kind !== b.kind) {
    throw new CommandError('ConflictingUpdateOperators', `Update created a conflict at '${path}'`);
  }
  return { kind: a.kind, children: mergeChildren([...a.children, ...b.children], path) };
}

/** Children of the same name become one; the result is in order. */
export function mergeChildren(children: readonly UpdateChild[], path: string): UpdateChild[] {
  const merged = new Map<string, UpdateChild>();
  for (const next of children) {
    const existing = merged.get(next.component);
    const childPath = path === '' ? next.component : `${path}.${next.component}`;
    const node = existing === undefined ? next.node : mergeNodes(existing.node, next.node, childPath);
    merged.set(next.component, { ...next, node });
  }
  return [...merged.values()].toSorted((a, b) => compareComponents(a.component, b.component));
}

function conflict(path: string, at: string): CommandError {
  return new CommandError(
    'ConflictingUpdateOperators',
    `Updating the path '${path}' would create a conflict at '${at}'`,
  );
}
