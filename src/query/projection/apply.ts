/** Carrying out a projection over bytes. */
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import type { ProjectionNode } from './tree.ts';

/** Writes the fields of a document, or what is kept of them, into the document that is open. */
export type ProjectionApply = (
  nodes: readonly ProjectionNode[],
  bytes: Uint8Array,
  at: number,
  writer: BsonWriter,
) => void;

/** Keeps what the nodes name. Values on the way to a deeper name that are neither documents nor arrays are dropped. */
export function include(nodes: readonly ProjectionNode[], bytes: Uint8Array, at: number, writer: BsonWriter): void {
  const reader = new ElementReader(bytes, at);
  while (reader.next()) {
    const node = nodeFor(nodes, reader);
    if (node === undefined) continue;
    if (node.children.length === 0) writer.element(bytes, reader.elementStart, reader.end);
    else if (isContainer(reader.type)) nested(node.name, { nodes: node.children, apply: include }, reader, writer);
  }
}

/** Keeps everything but what the nodes name. */
export function exclude(nodes: readonly ProjectionNode[], bytes: Uint8Array, at: number, writer: BsonWriter): void {
  const reader = new ElementReader(bytes, at);
  let runStart = at + 4;
  while (reader.next()) {
    const node = nodeFor(nodes, reader);
    if (node === undefined || (node.children.length > 0 && !isContainer(reader.type))) continue;
    writer.element(bytes, runStart, reader.elementStart);
    runStart = reader.end;
    if (node.children.length > 0) nested(node.name, { nodes: node.children, apply: exclude }, reader, writer);
  }
  writer.element(bytes, runStart, reader.end);
}

function nodeFor(nodes: readonly ProjectionNode[], reader: ElementReader): ProjectionNode | undefined {
  for (const node of nodes) if (reader.nameEquals(node.name)) return node;
  return undefined;
}

function isContainer(type: number): boolean {
  return type === BSON_TYPE.object || type === BSON_TYPE.array;
}

interface Reshape {
  readonly nodes: readonly ProjectionNode[];
  readonly apply: ProjectionApply;
}

function nested(name: Uint8Array | number, reshape: Reshape, value: ElementReader, writer: BsonWriter): void {
  if (value.type === BSON_TYPE.object) {
    writer.startSubdocument(name);
    reshape.apply(reshape.nodes, value.bytes, value.start, writer);
  } else {
    writer.startArray(name);
    items(reshape, value, writer);
  }
  writer.end();
}

/** Documents in arrays, however deep, are reshaped; other items are dropped by inclusion and kept by exclusion. */
function items(reshape: Reshape, array: ElementReader, writer: BsonWriter): void {
  const reader = new ElementReader(array.bytes, array.start);
  let index = 0;
  while (reader.next()) {
    if (isContainer(reader.type)) nested(index++, reshape, reader, writer);
    else if (reshape.apply === exclude) writer.value(index++, reader);
  }
}
