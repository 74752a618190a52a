/**
 * Carrying out a projection over bytes. One walk over a document's fields keeps, drops, changes or replaces them; what
 * is computed and was not there is added at the end, in the order of the specification.
 */
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { BsonWriter, FieldName } from '../../bson/writer.ts';
import type { ProjectionNode, ProjectionNodes } from './tree.ts';

/** What becomes of fields that the tree does not name: 'include' drops them. Computed fields of 'add' keep their place. */
export type ProjectionMode = 'include' | 'exclude' | 'add';

const NO_DOCUMENT = Uint8Array.of(5, 0, 0, 0, 0);

export class ProjectionRun {
  readonly #mode: ProjectionMode;

  constructor(mode: ProjectionMode) {
    this.#mode = mode;
  }

  /**
   * Writes what is left of the document at `reader` (before its first element) into the document that is open.
   * `root` is the whole document, for expressions; asked for only when there are any.
   */
  document(nodes: ProjectionNodes, reader: ElementReader, root: () => Uint8Array, writer: BsonWriter): void {
    const seen = new Set<ProjectionNode>();
    const { bytes } = reader;
    const keepsOthers = this.#mode !== 'include';
    let runStart = reader.end;
    while (reader.next()) {
      const node = nodes.find(reader);
      if (node === undefined ? keepsOthers : node.kind === 'keep') continue;
      // The run of kept fields before this one: with 'include' only those that were named.
      if (reader.elementStart > runStart) writer.element(bytes, runStart, reader.elementStart);
      runStart = reader.end;
      if (node === undefined) continue;
      this.#field(node, reader, root, writer, seen);
    }
    if (reader.end > runStart) writer.element(bytes, runStart, reader.end);
    for (const node of nodes.list) if (!seen.has(node)) this.#addition(node, root, writer);
  }

  // oxlint-disable-next-line max-params -- runs for every named field: no object for its parameters
  #field(
    node: ProjectionNode,
    value: ElementReader,
    root: () => Uint8Array,
    writer: BsonWriter,
    seen: Set<ProjectionNode>,
  ): void {
    switch (node.kind) {
      case 'inside':
        seen.add(node);
        this.#inside(node, node.name, value, { root, writer });
        break;
      case 'compute': {
        if (this.#mode === 'include' || seen.has(node)) return;
        seen.add(node);
        const computed = node.expression.evaluate(root());
        if (computed !== undefined) writer.value(node.name, computed);
        break;
      }
      case 'change': {
        const changed = node.change(value.value());
        if (changed !== undefined) writer.value(node.name, changed);
        break;
      }
      default:
    }
  }

  #addition(node: ProjectionNode, root: () => Uint8Array, writer: BsonWriter): void {
    if (node.kind === 'compute') {
      const value = node.expression.evaluate(root());
      if (value !== undefined) writer.value(node.name, value);
    } else if (node.kind === 'inside' && node.computes) {
      this.#empty(node.name, node.children, { root, writer });
    }
  }

  /** A document of computed fields alone, where there was none. */
  #empty(name: FieldName, children: ProjectionNodes, { root, writer }: Target): void {
    writer.startSubdocument(name);
    this.document(children, new ElementReader(NO_DOCUMENT), root, writer);
    writer.end();
  }

  #inside(
    node: Extract<ProjectionNode, { kind: 'inside' }>,
    name: FieldName,
    value: ElementReader,
    target: Target,
  ): void {
    const { root, writer } = target;
    if (value.type === BSON_TYPE.object) {
      writer.startSubdocument(name);
      this.document(node.children, new ElementReader(value.bytes, value.start), root, writer);
      writer.end();
    } else if (value.type === BSON_TYPE.array) {
      writer.startArray(name);
      this.#items(node, value, target);
      writer.end();
    } else if (node.computes) {
      this.#empty(name, node.children, target);
    } else if (this.#mode !== 'include') {
      writer.value(name, value);
    }
  }

  /** Items in arrays, however deep; those that are neither documents nor arrays as `#inside` has it. */
  #items(node: Extract<ProjectionNode, { kind: 'inside' }>, array: ElementReader, target: Target): void {
    const reader = new ElementReader(array.bytes, array.start);
    const dropsOthers = this.#mode === 'include' && !node.computes;
    let index = 0;
    while (reader.next()) {
      if (dropsOthers && reader.type !== BSON_TYPE.object && reader.type !== BSON_TYPE.array) continue;
      this.#inside(node, index++, reader, target);
    }
  }
}

interface Target {
  readonly root: () => Uint8Array;
  readonly writer: BsonWriter;
}
