/** The shape of a projection: a tree of names with what happens to each. Also that of `$addFields`. */
import { fieldName } from '../../bson/bytes.ts';
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
  | { readonly kind: 'inside'; readonly children: readonly ProjectionNode[]; readonly computes: boolean }
);

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

  nodes(): ProjectionNode[] {
    return [...this.#children].map(([text, child]) => {
      const name = fieldName(text);
      if (child.#leaf !== undefined) return { name, ...child.#leaf };
      const children = child.nodes();
      const computes = children.some((node) => node.kind === 'compute' || (node.kind === 'inside' && node.computes));
      return { name, kind: 'inside', children, computes };
    });
  }
}
