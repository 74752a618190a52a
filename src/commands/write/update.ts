import { CommandError } from '../../base/command_error.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { Turn } from '../../database/turn.ts';
import type { UpdateRun } from '../../database/run/update_run.ts';
import { Arguments } from '../arguments.ts';
import { BatchArguments, statementDocuments } from './batch_arguments.ts';
import { answerBatch, BatchStatements } from './batch_statements.ts';
import type { Command, CommandRequest } from '../context.ts';
import { StatementScopes } from '../query/collation_argument.ts';
import { expressionScope } from '../query/expression_scope.ts';
import { missingField } from '../fields.ts';
import { checkWritable, writeNamespace } from '../namespace.ts';
import {
  checkSortOption,
  openUpdate,
  repeatedUpdate,
  type RepeatedUpdate,
  type UpdateStatement,
} from './update_statement.ts';
import { checkBatchSize, retryableSession, WRITE_OPTIONS, type StatementContext } from './write_batch.ts';

export const updateCommand: Command = {
  name: 'update',
  secondary: 'never',
  isWrite: true,
  isRetryableWrite: true,
  isApiVersion1: true,
  opcounter: 'update',
  help: 'changes or replaces documents, or inserts one when none matches and upsert is set',
  check: (request) => void parseUpdate(request),
  run(request, context, reply) {
    const { data } = context;
    const update = parseUpdate(request);
    checkWritable(update.shared.ns, data);
    const turn = new Turn(context.env.clock);
    const session = retryableSession(request, data);
    const scopes = new StatementScopes(expressionScope(context, { variables: update.variables }));
    const { shared, keepsEmptyTimestamps } = update;
    const { bypassesValidation } = shared;
    const on = { data, turn, session, scopes, bypassesValidation, keepsEmptyTimestamps };
    const statements = new UpdateStatements(update, on);
    return answerBatch('update', statements, { context, turn, reply });
  },
};

interface Update {
  readonly shared: BatchArguments;
  readonly statements: readonly UpdateStatement[];
  /** The `let`. */
  readonly variables: Uint8Array | undefined;
  readonly keepsEmptyTimestamps: boolean;
}

/** Throws CommandError for bad arguments. */
export function parseUpdate(request: CommandRequest): Update {
  const shared = new BatchArguments(writeNamespace(request));
  let documents: readonly Uint8Array[] | undefined;
  let variables: Uint8Array | undefined;
  let keepsEmptyTimestamps = false;
  const args = Arguments.ofCommand('update', request.body, WRITE_OPTIONS);
  while (args.next()) {
    if (args.name === 'updates') documents = args.documents();
    else if (args.name === 'bypassEmptyTsReplacement') keepsEmptyTimestamps = args.flag();
    else if (args.name === 'let') variables = args.document();
    else if (args.name === 'runtimeConstants') args.refuseUnsupported();
    else if (!shared.take(args)) args.refuseUnknown();
  }
  documents = statementDocuments(request, 'updates') ?? documents;
  if (documents === undefined) throw missingField('update.updates');
  checkBatchSize(documents.length);
  const statements = documents.map((document) => parseStatement(document));
  return { shared, statements, variables, keepsEmptyTimestamps };
}

/** Of a statement, what may be null; so may `q`, which is then missing. */
const STATEMENT_OPTIONS = new Set(['q', 'multi', 'upsert', 'sort', 'collation', 'c']);

function parseStatement(document: Uint8Array): UpdateStatement {
  const parsed: Partial<Writable<UpdateStatement>> = {};
  const args = Arguments.ofDocument('update.updates', document, 0, STATEMENT_OPTIONS);
  while (args.next()) takeArgument(parsed, args);
  const { q, u, isMulti = false, isUpsert = false, arrayFilters, hint, sort, constants, collation } = parsed;
  if (q === undefined) throw missingField('update.updates.q');
  if (u === undefined) throw missingField('update.updates.u');
  checkSortOption(sort, isMulti);
  return { q, u, isMulti, isUpsert, arrayFilters, hint, sort, constants, collation };
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

function takeArgument(parsed: Partial<Writable<UpdateStatement>>, args: Arguments): void {
  switch (args.name) {
    case 'q':
      parsed.q = args.document();
      return;
    case 'u':
      parsed.u = args.raw();
      return;
    case 'multi':
      parsed.isMulti = args.bool();
      return;
    case 'upsert':
      parsed.isUpsert = args.bool();
      return;
    case 'arrayFilters':
      args.documents();
      parsed.arrayFilters = args.raw();
      return;
    case 'hint':
      parsed.hint = args.hint();
      return;
    case 'sort':
      parsed.sort = args.document();
      return;
    case 'collation':
      parsed.collation = args.document();
      return;
    case 'c':
      parsed.constants = args.document();
      return;
    case 'upsertSupplied':
      args.refuseUnsupported();
      return;
    default:
      args.refuseUnknown();
  }
}

class UpdateStatements extends BatchStatements<UpdateRun> {
  readonly #update: Update;
  readonly #on: StatementContext;

  constructor(update: Update, on: StatementContext) {
    super(update.shared, update.statements.length);
    this.#update = update;
    this.#on = on;
  }

  start(index: number): UpdateRun | undefined {
    const { shared, statements } = this.#update;
    const { session, data } = this.#on;
    const statement = statements[index];
    const id = this.begin(index, data);
    if (session !== undefined && statement.isMulti) {
      throw new CommandError('InvalidOptions', 'Cannot use (or request) retryable writes with multi=true');
    }
    const executed = session?.executed(id);
    if (executed === undefined) return openUpdate(shared.ns, statement, id, this.#on);
    this.#note(index, { matched: 1, ...repeatedUpdate(data.oplog.find(executed)) });
    this.outcome.retried.push(id);
    return undefined;
  }

  finish(index: number, { matched, modified, upserted }: UpdateRun): void {
    this.#note(index, { matched, nModified: modified, upserted });
  }

  #note(index: number, { matched, nModified, upserted }: RepeatedUpdate & { readonly matched: number }): void {
    this.outcome.n += matched;
    this.outcome.nModified += nModified;
    if (upserted !== undefined) this.outcome.upserted.push({ index, id: upserted });
  }
}

/** Whether a value can be an update at all. */
export function isUpdateValue(value: RawValue): boolean {
  return value.type === BSON_TYPE.object || value.type === BSON_TYPE.array;
}
