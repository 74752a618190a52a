import type { CommandError } from '../../base/command_error.ts';
import { documentSize, ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { insertableDocument } from '../../database/insertable.ts';
import type { MemberData } from '../../database/member_data.ts';
import type { RetryableSession } from '../../database/sessions.ts';
import { Turn } from '../../database/turn.ts';
import { createCollection } from '../../database/write/write_catalog.ts';
import { insertDocument } from '../../database/write/write_documents.ts';
import { Arguments } from '../arguments.ts';
import { checkCollectionUuid } from './collection_uuid.ts';
import type { Command, CommandRequest, DocumentSequence } from '../context.ts';
import { missingField, wrongType } from '../fields.ts';
import { checkWritable, writeNamespace } from '../namespace.ts';
import {
  BatchOutcome,
  checkBatchSize,
  retryableSession,
  runBatch,
  StatementBatch,
  statementId,
  statementOf,
  WRITE_OPTIONS,
  writeBatchReply,
  type Statements,
} from './write_batch.ts';

export const insertCommand: Command = {
  name: 'insert',
  secondary: 'never',
  isWrite: true,
  isRetryableWrite: true,
  isApiVersion1: true,
  opcounter: 'insert',
  help: 'inserts documents into a collection, which is created when it does not exist',
  check: (request) => void parseInsert(request),
  run(request, context, reply) {
    const { data } = context;
    const insert = parseInsert(request);
    checkWritable(insert.ns, data);
    const turn = new Turn(context.env.clock);
    const statements = new InsertStatements(data, insert, retryableSession(request, data));
    const waiting = runBatch(new StatementBatch(statements, context, turn), context, turn);
    if (waiting === undefined) writeBatchReply(reply, statements.outcome, context, 'insert');
    return waiting?.then(() => writeBatchReply(reply, statements.outcome, context, 'insert'));
  },
};

interface Insert {
  readonly ns: string;
  readonly documents: DocumentList;
  readonly ordered: boolean;
  readonly firstId: number | undefined;
  readonly ids: readonly number[] | undefined;
  readonly bypassesValidation: boolean;
  readonly keepsEmptyTimestamps: boolean;
  /** The `collectionUUID`. */
  readonly uuid: RawValue | undefined;
}

function parseInsert(request: CommandRequest): Insert {
  const ns = writeNamespace(request);
  let documents: DocumentList | undefined;
  let ordered = true;
  let firstId: number | undefined;
  let ids: readonly number[] | undefined;
  let bypassesValidation = false;
  let keepsEmptyTimestamps = false;
  let uuid: RawValue | undefined;
  const sequence = request.sequences.find((one) => one.name === 'documents');
  if (sequence !== undefined) documents = DocumentList.ofSequence(sequence);
  const args = Arguments.ofCommand('insert', request.body, WRITE_OPTIONS);
  while (args.next()) {
    if (args.name === 'documents') documents = DocumentList.ofArray(args.value.bytes, args.arrayStart());
    else if (args.name === 'ordered') ordered = args.bool();
    else if (args.name === 'stmtId') firstId = args.int32();
    else if (args.name === 'stmtIds') ids = args.int32List();
    else if (args.name === 'bypassDocumentValidation') bypassesValidation = args.flag();
    else if (args.name === 'bypassEmptyTsReplacement') keepsEmptyTimestamps = args.flag();
    else if (args.name === 'collectionUUID') uuid = args.uuid();
    else args.refuseUnknown();
  }
  if (documents === undefined) throw missingField('insert.documents');
  checkBatchSize(documents.count);
  return { ns, documents, ordered, firstId, ids, bypassesValidation, keepsEmptyTimestamps, uuid };
}

/** The documents of the command, where they lie in its message. */
class DocumentList {
  readonly bytes: Uint8Array;
  readonly #starts: readonly number[];

  static ofSequence(sequence: DocumentSequence): DocumentList {
    const starts: number[] = [];
    let at = sequence.start;
    while (at < sequence.end) {
      starts.push(at);
      at += documentSize(sequence.bytes, at);
    }
    return new DocumentList(sequence.bytes, starts);
  }

  static ofArray(bytes: Uint8Array, arrayStart: number): DocumentList {
    const starts: number[] = [];
    const items = new ElementReader(bytes, arrayStart);
    for (let i = 0; items.next(); i++) {
      if (items.type !== BSON_TYPE.object) throw wrongType(`insert.documents.${i}`, items, 'object');
      starts.push(items.start);
    }
    return new DocumentList(bytes, starts);
  }

  private constructor(bytes: Uint8Array, starts: readonly number[]) {
    this.bytes = bytes;
    this.#starts = starts;
  }

  get count(): number {
    return this.#starts.length;
  }

  startOf(index: number): number {
    return this.#starts[index];
  }
}

/** Each is done as soon as it is begun. */
class InsertStatements implements Statements<never> {
  readonly outcome = new BatchOutcome();
  readonly #data: MemberData;
  readonly #insert: Insert;
  readonly #session: RetryableSession | undefined;

  constructor(data: MemberData, insert: Insert, session: RetryableSession | undefined) {
    this.#data = data;
    this.#insert = insert;
    this.#session = session;
  }

  get count(): number {
    return this.#insert.documents.count;
  }

  get ordered(): boolean {
    return this.#insert.ordered;
  }

  start(index: number): undefined {
    const { ns, documents, firstId, ids, bypassesValidation, keepsEmptyTimestamps } = this.#insert;
    const session = this.#session;
    checkCollectionUuid(ns, this.#insert.uuid, this.#data);
    const id = session === undefined ? 0 : statementId({ first: firstId, list: ids }, index);
    if (session?.executed(id) !== undefined) {
      this.outcome.n += 1;
      this.outcome.retried.push(id);
      return;
    }
    const document = insertableDocument(documents.bytes, documents.startOf(index), this.#data, keepsEmptyTimestamps);
    const collection = this.#data.catalog.find(ns) ?? createCollection(this.#data, ns);
    insertDocument(this.#data, collection, document, { statement: statementOf(session, id), bypassesValidation });
    this.outcome.n += 1;
  }

  finish(): void {}

  fail(index: number, error: CommandError): void {
    this.outcome.fail(index, error);
  }
}
