/** An aggregate whose pipeline ends with `$out` or `$merge`: it writes, and answers with an empty cursor. */
import { CommandError, isCommandError } from '../../base/command_error.ts';
import type { Timestamp } from '../../base/optime.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { fieldName } from '../../bson/bytes.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import type { CursorSubject } from '../../database/run/cursors.ts';
import { MergeSink, requireUniqueIndex } from '../../database/run/merge_sink.ts';
import { OutSink } from '../../database/run/out_sink.ts';
import { PipelineWrite, type DocumentSink } from '../../database/run/pipeline_write.ts';
import { refuseView } from '../../database/catalog/views.ts';
import type { RunningQuery } from '../../database/run/running_query.ts';
import type { WriteSpec } from '../../query/pipeline/write_spec.ts';
import type { CommandContext, CommandRequest } from '../context.ts';
import { writeEmptyCursor } from './cursor_reply.ts';
import { checkWritable, checkWriteName } from '../namespace.ts';
import { runBatch } from '../write/write_batch.ts';

const PIPELINE = fieldName('pipeline');

/** Whether the request's pipeline ends with a stage that writes. */
export function writesItsDocuments(request: CommandRequest): boolean {
  const pipeline = findField(request.body, PIPELINE);
  if (pipeline?.type !== BSON_TYPE.array) return false;
  const stages = new ElementReader(pipeline.bytes, pipeline.start);
  let last = '';
  while (stages.next()) {
    const stage = new ElementReader(stages.bytes, stages.start);
    last = stages.type === BSON_TYPE.object && stage.next() ? stage.name() : '';
  }
  return last === '$out' || last === '$merge';
}

export interface PipelineOutput {
  readonly write: WriteSpec;
  /** The namespace of the cursor: what the pipeline reads. */
  readonly ns: string;
  readonly query: RunningQuery;
  readonly subjects: readonly CursorSubject[];
  readonly readAt: () => Timestamp;
  readonly bypassesValidation: boolean;
}

/** What can be said before the pipeline runs. Throws NotWritablePrimary, 72 or 51183. */
export function checkOutput(write: WriteSpec, request: CommandRequest, { data }: CommandContext): void {
  data.writeLog.checkAcceptsWrites();
  if (request.readConcern.level === 'linearizable') {
    const text = `$${write.kind} cannot be used with a 'linearizable' read concern level`;
    throw new CommandError('InvalidOptions', text);
  }
  if (write.kind === 'merge') requireUniqueIndex(data, write);
}

/** Throws what the pipeline or the writes fail with; then `$out` leaves no trace, `$merge` what it has written. */
export function runOutput(
  output: PipelineOutput,
  context: CommandContext,
  reply: BsonWriter,
): Promise<void> | undefined {
  const { ns, query, subjects, readAt } = output;
  const run = new PipelineWrite({ query, subjects, readAt, sink: openSink(output, context) });
  try {
    const waiting = runBatch(run, context, query.turn);
    if (waiting === undefined) writeEmptyCursor(reply, ns);
    return waiting?.then(
      () => writeEmptyCursor(reply, ns),
      (error: unknown) => abandon(run, error),
    );
  } catch (error) {
    return abandon(run, error);
  }
}

function abandon(run: PipelineWrite, error: unknown): never {
  run.abandon();
  throw error;
}

function openSink(output: PipelineOutput, context: CommandContext): DocumentSink {
  const { write, query, bypassesValidation } = output;
  const { data } = context;
  checkTarget(write, context);
  switch (write.kind) {
    case 'out':
      return new OutSink(data, write, { bypassesValidation });
    case 'merge':
      return new MergeSink(data, write, { turn: query.turn, bypassesValidation });
  }
}

function checkTarget({ kind, db, collection }: WriteSpec, { data }: CommandContext): void {
  refuseView(data.catalog, `${db}.${collection}`);
  try {
    checkWritable(checkWriteName(db, collection), data);
  } catch (error) {
    if (kind !== 'out' || !isCommandError(error, 'InvalidNamespace')) throw error;
    throw new CommandError('IllegalOperation', `error with target namespace: ${error.message}`, {}, { cause: error });
  }
}
