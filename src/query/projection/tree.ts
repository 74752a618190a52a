/** The shape of a projection: a tree of names with what happens to each. Also that of `$addFields`. */
import { fieldName } from '../../bson/bytes.ts';
import type { ElementReader } from '../../bson/elements.ts';
import type { RawValue } from '../../bson/value.ts';
import type { Expression } from '../expression.ts';

/** Makes another value of one that is there, or nothing. */
export type ValueChange = (value: RawValue) => RawValue | undefined;

/** What happens to a field as a whole. */
export type ProjectionLeaf =
  | { readonly kind: 'keep' | 'drop' }
  | { readonly kind: 'compute'; readonly expression: Expression }
  | { readonly kind: 'change'; readonly change: ValueChange };

export type ProjectionNode = { readonly name: Uint8Array } & (
  | ProjectionLeaf
  | { readonly kind: 'inside'; readonly children: ProjectionNodes; readonly computes: boolean }
);

/** Of more names than this, a table is made, instead of comparing with each of them. */
const COMPARED_NAMES_MAX = 8;

/** What happens to the fields of one document, by their names. */
export class ProjectionNodes {
  /** In the order of the specification. */
  readonly list: readonly ProjectionNode[];
  readonly #table: ReadonlyMap<string, ProjectionNode> | undefined;

  constructor(byName: ReadonlyMap<string, ProjectionNode>) {
    this.list = [...byName.values()];
    this.#table = byName.size > COMPARED_NAMES_MAX ? byName : undefined;
  }

  /** That of the field the reader is at. */
  find(reader: ElementReader): ProjectionNode | undefined {
    if (this.#table !== undefined) return this.#table.get(reader.name());
    for (const node of this.list) if (reader.nameEquals(node.name)) return node;
    return undefined;
  }
}

/** Collects paths in the order given; collisions are found by the parser before. */
export class ProjectionTree {
  readonly #children = new Map<string, ProjectionTree>();
  #leaf: ProjectionLeaf | undefined;

  /** What was said about the path that ends here. */
  get leaf(): ProjectionLeaf | undefined {
    return this.#leaf;
  }

  child(name: string): ProjectionTree | undefined {
    return this.#children.get(name);
  }

  add(components: readonly string[], leaf: ProjectionLeaf): void {
    const [first, ...rest] = components;
    if (first === undefined) {
      this.#leaf = leaf;
      return;
    }
    const child = this.#children.get(first) ?? new ProjectionTree();
    this.#children.set(first, child);
    child.add(rest, leaf);
  }

  /** Whether anything in it is computed. */
  get computes(): boolean {
    return this.#leaf?.kind === 'compute' || [...this.#children.values()].some((child) => child.computes);
  }

  nodes(): ProjectionNodes {
    return new ProjectionNodes(new Map([...this.#children].map(([name, child]) => [name, child.#node(name)])));
  }

  #node(text: string): ProjectionNode {
    const name = fieldName(text);
    if (this.#leaf !== undefined) return { name, ...this.#leaf };
    const children = this.nodes();
    const computes = children.list.some((node) => node.kind === 'compute' || (node.kind === 'inside' && node.computes));
    return { name, kind: 'inside', children, computes };
  }
}
