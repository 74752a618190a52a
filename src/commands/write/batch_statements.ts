/** How insert, update and delete work off their statements and answer. */
import type { BsonWriter } from '../../bson/writer.ts';
import type { CommandError } from '../../base/command_error.ts';
import type { MemberData } from '../../database/member_data.ts';
import type { Turn } from '../../database/turn.ts';
import type { CommandContext } from '../context.ts';
import type { BatchArguments } from './batch_arguments.ts';
import { checkCollectionUuid } from './collection_uuid.ts';
import {
  BatchOutcome,
  runBatch,
  StatementBatch,
  statementId,
  writeBatchReply,
  type BatchRun,
  type Statements,
} from './write_batch.ts';

/** Statements of one command that all write to one collection. */
export abstract class BatchStatements<Run extends BatchRun> implements Statements<Run> {
  readonly outcome = new BatchOutcome();
  readonly count: number;
  readonly ordered: boolean;
  readonly #args: BatchArguments;

  constructor(args: BatchArguments, count: number) {
    this.count = count;
    this.ordered = args.ordered;
    this.#args = args;
  }

  /** Returns undefined also when the statement had been executed before. */
  abstract start(index: number): Run | undefined;
  abstract finish(index: number, run: Run): void;

  fail(index: number, error: CommandError): void {
    this.outcome.fail(index, error);
  }

  /** The number of a statement, which is to begin: throws when the collection is not the one that was meant. */
  protected begin(index: number, data: MemberData): number {
    checkCollectionUuid(this.#args.ns, this.#args.uuid, data);
    return statementId(this.#args, index);
  }
}

/** Works off the statements and writes the reply; undefined when that was done at once. */
export function answerBatch<Run extends BatchRun>(
  kind: 'insert' | 'update' | 'delete',
  statements: BatchStatements<Run>,
  on: { readonly context: CommandContext; readonly turn: Turn; readonly reply: BsonWriter },
): Promise<void> | undefined {
  const { context, turn, reply } = on;
  const answer = (): void => writeBatchReply(reply, statements.outcome, context, kind);
  const waiting = runBatch(new StatementBatch(statements, context, turn), context, turn);
  if (waiting !== undefined) return waiting.then(answer);
  answer();
  return undefined;
}
