import { CommandError } from '../../base/command_error.ts';
import type { RawValue } from '../../bson/value.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import { Turn } from '../../database/turn.ts';
import { batchSizeOf } from '../query/aggregate.ts';
import { Arguments } from '../arguments.ts';
import { BulkWriteStatements, type BulkWriteOutcome } from './bulk_write_run.ts';
import { parseBulkOperation, type BulkNamespace, type BulkOperation, type BulkWrite } from './bulk_write_ops.ts';
import type { Command, CommandContext, CommandRequest } from '../context.ts';
import { listCursor, openCursor } from '../query/cursor_reply.ts';
import { StatementScopes } from '../query/collation_argument.ts';
import { expressionScope } from '../query/expression_scope.ts';
import { missingField } from '../fields.ts';
import { checkWriteName } from '../namespace.ts';
import { statementDocuments } from './batch_arguments.ts';
import {
  checkBatchSize,
  retryableSession,
  runBatch,
  StatementBatch,
  WRITE_OPTIONS,
  writePrimaryFields,
  writeRetried,
} from './write_batch.ts';

/** Where the cursor over the results lives. */
const RESULTS_NS = 'admin.$cmd.bulkWrite';

export const bulkWriteCommand: Command = {
  name: 'bulkWrite',
  adminOnly: true,
  secondary: 'never',
  isWrite: true,
  isRetryableWrite: true,
  isApiVersion1: true,
  help: 'inserts, updates and deletes in several collections',
  run(request, context, reply) {
    const { data } = context;
    const bulk = parseBulkWrite(request);
    const turn = new Turn(context.env.clock);
    const session = retryableSession(request, data);
    const scopes = new StatementScopes(expressionScope(context, { variables: bulk.variables }));
    const { bypassesValidation, keepsEmptyTimestamps } = bulk;
    const on = { data, turn, session, scopes, bypassesValidation, keepsEmptyTimestamps };
    const statements = new BulkWriteStatements(bulk, on, context.server.opcounters);
    const waiting = runBatch(new StatementBatch(statements, context, turn), context, turn);
    const answer = (): Promise<void> | undefined => writeOutcome(statements.outcome, bulk, { request, context, reply });
    return waiting === undefined ? answer() : waiting.then(answer);
  },
};

function parseBulkWrite(request: CommandRequest): BulkWrite {
  const options = {
    ordered: true,
    errorsOnly: false,
    bypassesValidation: false,
    keepsEmptyTimestamps: false,
    batchSize: Infinity,
    firstId: undefined as number | undefined,
    ids: undefined as readonly number[] | undefined,
    variables: undefined as Uint8Array | undefined,
  };
  let ops = statementDocuments(request, 'ops');
  let nsInfo = statementDocuments(request, 'nsInfo');
  const args = Arguments.ofCommand('bulkWrite', request.body, WRITE_OPTIONS);
  while (args.next()) {
    if (args.name === 'ops') ops = args.documents();
    else if (args.name === 'nsInfo') nsInfo = args.documents();
    else if (args.name === 'ordered' || args.name === 'errorsOnly') options[args.name] = args.flag();
    else if (args.name === 'cursor') options.batchSize = parseCursor(args);
    else if (args.name === 'stmtId') options.firstId = args.int32();
    else if (args.name === 'stmtIds') options.ids = args.int32List();
    else if (args.name === 'let') options.variables = args.document();
    else if (args.name === 'bypassDocumentValidation') options.bypassesValidation = args.flag();
    else if (args.name === 'bypassEmptyTsReplacement') options.keepsEmptyTimestamps = args.flag();
    else args.refuseUnknown();
  }
  if (ops === undefined) throw missingField('bulkWrite.ops');
  if (nsInfo === undefined) throw missingField('bulkWrite.nsInfo');
  checkBatchSize(ops.length);
  const namespaces = parseNamespaces(nsInfo);
  const operations = ops.map((document) => parseBulkOperation(document));
  checkIndexes(operations, namespaces.length);
  checkStatementIds(options.firstId, options.ids, operations.length);
  return { operations, namespaces, ...options };
}

function parseCursor(args: Arguments): number {
  const document = args.document();
  return batchSizeOf(document, 0, Infinity);
}

function parseNamespaces(nsInfo: readonly Uint8Array[]): BulkNamespace[] {
  const namespaces: BulkNamespace[] = [];
  for (const entry of nsInfo) {
    let ns: string | undefined;
    let uuid: RawValue | undefined;
    const args = Arguments.ofDocument('bulkWrite.nsInfo', entry, 0);
    while (args.next()) {
      if (args.name === 'ns') ns = args.string();
      else if (args.name === 'collectionUUID') uuid = args.uuid();
      else if (args.name === 'encryptionInformation') args.refuseUnsupported();
      else args.refuseUnknown();
    }
    if (ns === undefined) throw missingField('bulkWrite.nsInfo.ns');
    const dot = ns.indexOf('.');
    if (dot <= 0) throw new CommandError('InvalidNamespace', `Invalid namespace specified for bulkWrite: '${ns}'`);
    if (namespaces.some((other) => other.ns === ns)) {
      throw new CommandError('BadValue', `Found duplicate namespace '${ns}' in the nsInfo of bulkWrite`);
    }
    namespaces.push({ ns: checkWriteName(ns.slice(0, dot), ns.slice(dot + 1)), uuid });
  }
  return namespaces;
}

function checkIndexes(operations: readonly BulkOperation[], count: number): void {
  for (const [i, { on }] of operations.entries()) {
    if (on >= count) throw new CommandError('BadValue', `BulkWrite ops entry ${i} has an invalid nsInfo index.`);
  }
}

function checkStatementIds(first: number | undefined, list: readonly number[] | undefined, count: number): void {
  if (list === undefined) return;
  if (first !== undefined) {
    throw new CommandError('InvalidOptions', 'May not specify both stmtId and stmtIds in bulkWrite command.');
  }
  if (list.length === count) return;
  throw new CommandError(
    'InvalidLength',
    `Number of statement ids must match the number of batch entries. Got ${list.length} statement ids but ${count} ops.`,
  );
}

function writeOutcome(
  outcome: BulkWriteOutcome,
  { batchSize }: BulkWrite,
  target: { readonly request: CommandRequest; readonly context: CommandContext; readonly reply: BsonWriter },
): Promise<void> | undefined {
  const { request, context, reply } = target;
  const finish = (): void => {
    reply.int32('nErrors', outcome.errors).int32('nInserted', outcome.inserted).int32('nMatched', outcome.matched);
    reply.int32('nModified', outcome.modified).int32('nUpserted', outcome.upserted);
    reply.int32('nDeleted', outcome.deleted);
    writeRetried(reply, outcome.retried);
    writePrimaryFields(reply, context);
  };
  const cursor = listCursor(RESULTS_NS, outcome.results, batchSize, context);
  const waiting = openCursor(cursor, request, context, reply);
  if (waiting === undefined) finish();
  return waiting?.then(finish);
}
