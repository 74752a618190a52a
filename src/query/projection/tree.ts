/** The shape of a projection that only keeps or only drops fields: a tree of names. */
import { fieldName } from '../../bson/bytes.ts';

/** A name with what happens below it; no children: the field as a whole. */
export interface ProjectionNode {
  readonly name: Uint8Array;
  readonly children: readonly ProjectionNode[];
}

/** Collects paths; collisions are found by the parser before. */
export class ProjectionTree {
  readonly #children = new Map<string, ProjectionTree>();

  /** Whether a path was added that ends here. */
  get isLeaf(): boolean {
    return this.#children.size === 0;
  }

  child(name: string): ProjectionTree | undefined {
    return this.#children.get(name);
  }

  add(components: readonly string[]): void {
    const [first, ...rest] = components;
    if (first === undefined) return;
    const child = this.#children.get(first) ?? new ProjectionTree();
    this.#children.set(first, child);
    child.add(rest);
  }

  nodes(): ProjectionNode[] {
    return [...this.#children].map(([name, child]) => ({ name: fieldName(name), children: child.nodes() }));
  }
}
