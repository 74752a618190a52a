import { CommandError } from '../../base/command_error.ts';
import { BSON_TYPE, isNumericType, type ValueSpan } from '../../bson/types.ts';
import { numberOf, type RawValue } from '../../bson/value.ts';
import type { DeleteRun } from '../../database/run/delete_run.ts';
import { Turn } from '../../database/turn.ts';
import { Arguments } from '../arguments.ts';
import { BatchArguments, statementDocuments } from './batch_arguments.ts';
import { answerBatch, BatchStatements } from './batch_statements.ts';
import type { Command, CommandRequest } from '../context.ts';
import { openDelete, type DeleteStatement } from './delete_statement.ts';
import { StatementScopes } from '../query/collation_argument.ts';
import { expressionScope } from '../query/expression_scope.ts';
import { missingField } from '../fields.ts';
import { checkWritable, writeNamespace } from '../namespace.ts';
import { checkBatchSize, retryableSession, WRITE_OPTIONS, type StatementContext } from './write_batch.ts';

export const deleteCommand: Command = {
  name: 'delete',
  secondary: 'never',
  isWrite: true,
  isRetryableWrite: true,
  isApiVersion1: true,
  opcounter: 'delete',
  help: 'removes documents',
  check: (request) => void parseDelete(request),
  run(request, context, reply) {
    const { data } = context;
    const parsed = parseDelete(request);
    checkWritable(parsed.shared.ns, data);
    const turn = new Turn(context.env.clock);
    const session = retryableSession(request, data);
    const scopes = new StatementScopes(expressionScope(context, { variables: parsed.variables }));
    const on = { data, turn, session, scopes, bypassesValidation: true, keepsEmptyTimestamps: true };
    const statements = new DeleteStatements(parsed, on);
    return answerBatch('delete', statements, { context, turn, reply });
  },
};

interface Delete {
  readonly shared: BatchArguments;
  readonly statements: readonly DeleteStatement[];
  /** The `let`. */
  readonly variables: Uint8Array | undefined;
}

/** Throws CommandError for bad arguments. */
export function parseDelete(request: CommandRequest): Delete {
  const shared = new BatchArguments(writeNamespace(request));
  let documents: readonly Uint8Array[] | undefined;
  let variables: Uint8Array | undefined;
  const args = Arguments.ofCommand('delete', request.body, WRITE_OPTIONS);
  while (args.next()) {
    if (args.name === 'deletes') documents = args.documents();
    else if (args.name === 'let') variables = args.document();
    else if (args.name === 'runtimeConstants') args.refuseUnsupported();
    else if (!shared.take(args)) args.refuseUnknown();
  }
  documents = statementDocuments(request, 'deletes') ?? documents;
  if (documents === undefined) throw missingField('delete.deletes');
  checkBatchSize(documents.length);
  const statements = documents.map((document) => parseStatement(document));
  return { shared, statements, variables };
}

/** Of a statement, what may be null; so may `q`, which is then missing. */
const STATEMENT_OPTIONS = new Set(['q', 'collation']);

function parseStatement(document: Uint8Array): DeleteStatement {
  let q: Uint8Array | undefined;
  let limit: number | undefined;
  let hint: RawValue | undefined;
  let collation: Uint8Array | undefined;
  const args = Arguments.ofDocument('delete.deletes', document, 0, STATEMENT_OPTIONS);
  while (args.next()) {
    if (args.name === 'q') q = args.document();
    else if (args.name === 'limit') limit = limitOf(args.value);
    else if (args.name === 'hint') hint = args.hint();
    else if (args.name === 'collation') collation = args.document();
    else args.refuseUnknown();
  }
  if (q === undefined) throw missingField('delete.deletes.q');
  if (limit === undefined) throw missingField('delete.deletes.limit');
  return { q, isMulti: limit === 0, hint, collation };
}

/** What is no number counts as 0. */
function limitOf(value: ValueSpan): number {
  const limit = isNumericType(value.type) && value.type !== BSON_TYPE.null ? Math.trunc(numberOf(value)) : 0;
  if (limit === 0 || limit === 1) return limit;
  throw new CommandError('FailedToParse', `The limit field in delete objects must be 0 or 1. Got ${limit}`);
}

class DeleteStatements extends BatchStatements<DeleteRun> {
  readonly #delete: Delete;
  readonly #on: StatementContext;

  constructor(parsed: Delete, on: StatementContext) {
    super(parsed.shared, parsed.statements.length);
    this.#delete = parsed;
    this.#on = on;
  }

  start(index: number): DeleteRun | undefined {
    const { shared, statements } = this.#delete;
    const { session, data } = this.#on;
    const statement = statements[index];
    const id = this.begin(index, data);
    if (session !== undefined && statement.isMulti) {
      throw new CommandError('InvalidOptions', 'Cannot use (or request) retryable writes with limit=0');
    }
    if (session?.executed(id) === undefined) return openDelete(shared.ns, statement, id, this.#on);
    this.outcome.n += 1;
    this.outcome.retried.push(id);
    return undefined;
  }

  finish(_index: number, run: DeleteRun): void {
    this.outcome.n += run.deleted;
  }
}
