/** One delete statement while it is carried out. */
import type { Collection } from '../catalog/collection.ts';
import type { MemberData } from '../member_data.ts';
import type { Turn } from '../turn.ts';
import { deleteDocument, type FoundRecord } from '../write/write_documents.ts';
import type { Statement } from '../write/write_log.ts';
import { withImage, WriteScan, type WriteTargets } from './write_scan.ts';

export interface DeleteStatement extends WriteTargets {
  readonly statement: Statement | undefined;
  /** Whether the removed document is logged for a repeated findAndModify. */
  readonly image: 'pre' | undefined;
}

export class DeleteRun {
  readonly #data: MemberData;
  readonly #spec: DeleteStatement;
  readonly #scan: WriteScan;
  deleted = 0;
  /** Of a single delete: the document that is gone. */
  removed: Uint8Array | undefined;

  constructor(data: MemberData, ns: string, spec: DeleteStatement, turn: Turn) {
    this.#data = data;
    this.#spec = spec;
    this.#scan = new WriteScan(data, ns, spec, turn);
  }

  /** Goes on until it is done or its turn is over; then call it again. */
  advance(): 'done' | 'pause' {
    return this.#scan.advance((collection, found) => this.#remove(collection, found));
  }

  #remove(collection: Collection, found: FoundRecord): void {
    const { statement, image } = this.#spec;
    const logged = withImage(statement, image, found.document, found.document);
    deleteDocument(this.#data, collection, found, logged);
    this.deleted += 1;
    this.removed = found.document;
  }
}
