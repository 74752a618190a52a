/** Making the documents of a covered query: what an entry of an index tells, as a document with just the index's fields. */
import { keyPartEnd, readKeyPart } from '../../bson/key_reader.ts';
import type { RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { CandidateField } from '../planner/candidate.ts';

/** A field of the document to be made: a value of the key, or fields below it. */
interface Node {
  readonly name: string;
  part: number;
  readonly children: Node[];
}

const NO_PART = -1;

export class CoveredDocument {
  readonly #fields: readonly CandidateField[];
  readonly #nodes: readonly Node[];
  readonly #writer = new BsonWriter(256);
  readonly #values: RawValue[] = [];

  constructor(fields: readonly CandidateField[]) {
    this.#fields = fields;
    this.#nodes = nodesOf(fields);
  }

  /** `key` is a cursor's own buffer. Undefined when a part of it cannot be read back. */
  from(key: Uint8Array): Uint8Array | undefined {
    let at = 0;
    for (const [i, { descending }] of this.#fields.entries()) {
      const end = keyPartEnd(key, at, descending);
      const value = readKeyPart(key, at, end, descending);
      if (value === undefined) return undefined;
      this.#values[i] = value;
      at = end;
    }
    const writer = this.#writer.reset().startDocument();
    this.#write(this.#nodes, writer);
    return writer.endDocument().finish();
  }

  #write(nodes: readonly Node[], writer: BsonWriter): void {
    for (const { name, part, children } of nodes) {
      if (part !== NO_PART) {
        writer.value(name, this.#values[part]);
        continue;
      }
      writer.startSubdocument(name);
      this.#write(children, writer);
      writer.end();
    }
  }
}

function nodesOf(fields: readonly CandidateField[]): Node[] {
  const root: Node = { name: '', part: NO_PART, children: [] };
  for (const [i, { path }] of fields.entries()) {
    let node = root;
    for (const name of path.split('.')) {
      let next = node.children.find((child) => child.name === name);
      if (next === undefined) {
        next = { name, part: NO_PART, children: [] };
        node.children.push(next);
      }
      node = next;
    }
    node.part = i;
  }
  return root.children;
}
