/** Working off a bulkWrite: its operations in order, a result document for each, and the sums. */
import { CommandError } from '../../base/command_error.ts';
import type { RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { DeleteRun } from '../../database/run/delete_run.ts';
import { insertableDocument } from '../../database/insertable.ts';
import type { UpdateRun } from '../../database/run/update_run.ts';
import { createCollection } from '../../database/write/write_catalog.ts';
import { insertDocument } from '../../database/write/write_documents.ts';
import type { BulkOperation, BulkWrite } from './bulk_write_ops.ts';
import { checkCollectionUuid } from './collection_uuid.ts';
import { writeDetails } from '../error_reply.ts';
import { openDelete } from './delete_statement.ts';
import { checkWritable } from '../namespace.ts';
import { openUpdate, repeatedUpdate } from './update_statement.ts';
import { endsCommand, statementId, statementOf, type StatementContext, type Statements } from './write_batch.ts';

/** What came of one operation. */
interface Effect {
  readonly n: number;
  /** Of updates. */
  readonly nModified?: number;
  readonly upserted?: RawValue | undefined;
}

/** What came of all. */
export class BulkWriteOutcome {
  /** One document for each operation, or only for those that failed. */
  readonly results: Uint8Array[] = [];
  errors = 0;
  inserted = 0;
  matched = 0;
  modified = 0;
  upserted = 0;
  deleted = 0;
  /** Ids of statements that had been executed before. */
  readonly retried: number[] = [];
}

type Counts = Record<BulkOperation['kind'], number>;

export class BulkWriteStatements implements Statements<UpdateRun | DeleteRun> {
  readonly outcome = new BulkWriteOutcome();
  readonly #bulk: BulkWrite;
  readonly #on: StatementContext;
  readonly #counters: Counts;
  readonly #writer = new BsonWriter(128);

  /** `counters` count the operations by kind, as those of single commands are counted. */
  constructor(bulk: BulkWrite, on: StatementContext, counters: Counts) {
    this.#bulk = bulk;
    this.#on = on;
    this.#counters = counters;
  }

  get count(): number {
    return this.#bulk.operations.length;
  }

  get ordered(): boolean {
    return this.#bulk.ordered;
  }

  start(index: number): UpdateRun | DeleteRun | undefined {
    const { operations, firstId, ids, namespaces } = this.#bulk;
    const { session, data, bypassesValidation, keepsEmptyTimestamps } = this.#on;
    const operation = operations[index];
    const { ns, uuid } = namespaces[operation.on];
    this.#counters[operation.kind] += 1;
    checkWritable(ns, data);
    checkCollectionUuid(ns, uuid, data);
    if (session !== undefined && operation.kind !== 'insert' && operation.statement.isMulti) {
      throw new CommandError('InvalidOptions', 'Cannot use (or request) retryable writes with multi=true');
    }
    const id = statementId({ first: firstId, list: ids }, index);
    const executed = session?.executed(id);
    if (executed !== undefined) {
      const repeated = operation.kind === 'update' ? repeatedUpdate(data.oplog.find(executed)) : {};
      this.outcome.retried.push(id);
      this.#succeed(index, { n: 1, ...repeated });
      return undefined;
    }
    switch (operation.kind) {
      case 'insert': {
        const document = insertableDocument(operation.document, 0, data, keepsEmptyTimestamps);
        const collection = data.catalog.find(ns) ?? createCollection(data, ns);
        insertDocument(data, collection, document, { statement: statementOf(session, id), bypassesValidation });
        this.#succeed(index, { n: 1 });
        return undefined;
      }
      case 'update':
        return openUpdate(ns, operation.statement, id, this.#on);
      case 'delete':
        return openDelete(ns, operation.statement, id, this.#on);
    }
  }

  finish(index: number, run: UpdateRun | DeleteRun): void {
    if ('deleted' in run) this.#succeed(index, { n: run.deleted });
    else this.#succeed(index, { n: run.matched, nModified: run.modified, upserted: run.upserted });
  }

  #succeed(index: number, { n, nModified = 0, upserted }: Effect): void {
    const { outcome } = this;
    const { kind } = this.#bulk.operations[index];
    if (kind === 'insert') outcome.inserted += n;
    else if (kind === 'delete') outcome.deleted += n;
    else if (upserted === undefined) outcome.matched += n;
    else outcome.upserted += 1;
    outcome.modified += nModified;
    if (this.#bulk.errorsOnly) return;
    const writer = this.#writer.reset().startDocument();
    writer.double('ok', 1).int32('idx', index).int32('n', n);
    if (kind === 'update') writer.int32('nModified', nModified);
    if (upserted !== undefined) writer.startSubdocument('upserted').value('_id', upserted).end();
    outcome.results.push(writer.endDocument().finish());
  }

  fail(index: number, error: CommandError): void {
    if (endsCommand(error.code)) throw error;
    const { outcome } = this;
    const { kind } = this.#bulk.operations[index];
    outcome.errors += 1;
    const writer = this.#writer.reset().startDocument();
    writer.double('ok', 0).int32('idx', index).int32('code', error.code);
    writeDetails(writer, error.details);
    writer.string('errmsg', error.message).int32('n', 0);
    if (kind === 'update') writer.int32('nModified', 0);
    outcome.results.push(writer.endDocument().finish());
  }
}
