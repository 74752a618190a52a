import { documentSize, ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { insertableDocument } from '../../database/insertable.ts';
import type { MemberData } from '../../database/member_data.ts';
import type { RetryableSession } from '../../database/sessions.ts';
import { Turn } from '../../database/turn.ts';
import { createCollection } from '../../database/write/write_catalog.ts';
import { insertDocument } from '../../database/write/write_documents.ts';
import { Arguments } from '../arguments.ts';
import { BatchArguments } from './batch_arguments.ts';
import { answerBatch, BatchStatements } from './batch_statements.ts';
import type { Command, CommandRequest, DocumentSequence } from '../context.ts';
import { missingField, wrongType } from '../fields.ts';
import { checkWritable, writeNamespace } from '../namespace.ts';
import { checkBatchSize, retryableSession, statementOf, WRITE_OPTIONS } from './write_batch.ts';

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
    checkWritable(insert.shared.ns, data);
    const turn = new Turn(context.env.clock);
    const statements = new InsertStatements(data, insert, retryableSession(request, data));
    return answerBatch('insert', statements, { context, turn, reply });
  },
};

interface Insert {
  readonly shared: BatchArguments;
  readonly documents: DocumentList;
  readonly keepsEmptyTimestamps: boolean;
}

function parseInsert(request: CommandRequest): Insert {
  const shared = new BatchArguments(writeNamespace(request));
  let documents: DocumentList | undefined;
  let keepsEmptyTimestamps = false;
  const sequence = request.sequences.find((one) => one.name === 'documents');
  if (sequence !== undefined) documents = DocumentList.ofSequence(sequence);
  const args = Arguments.ofCommand('insert', request.body, WRITE_OPTIONS);
  while (args.next()) {
    if (args.name === 'documents') documents = DocumentList.ofArray(args.value.bytes, args.arrayStart());
    else if (args.name === 'bypassEmptyTsReplacement') keepsEmptyTimestamps = args.flag();
    else if (!shared.take(args)) args.refuseUnknown();
  }
  if (documents === undefined) throw missingField('insert.documents');
  checkBatchSize(documents.count);
  return { shared, documents, keepsEmptyTimestamps };
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
class InsertStatements extends BatchStatements<never> {
  readonly #data: MemberData;
  readonly #insert: Insert;
  readonly #session: RetryableSession | undefined;

  constructor(data: MemberData, insert: Insert, session: RetryableSession | undefined) {
    super(insert.shared, insert.documents.count);
    this.#data = data;
    this.#insert = insert;
    this.#session = session;
  }

  start(index: number): undefined {
    const { documents, keepsEmptyTimestamps } = this.#insert;
    const { ns, bypassesValidation } = this.#insert.shared;
    const session = this.#session;
    const id = this.begin(index, this.#data);
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
}
