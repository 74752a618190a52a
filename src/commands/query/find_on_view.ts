/** `find` on a view. */
import { CommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import { findField, isEmptyDocument } from '../../bson/elements.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import type { ResolvedView } from '../../database/catalog/views.ts';
import { Turn } from '../../database/turn.ts';
import type { CommandContext, CommandRequest } from '../context.ts';
import { openCursor, readPoint } from './cursor_reply.ts';
import { viewOrderFor } from './collation_argument.ts';
import { expressionScope } from './expression_scope.ts';
import type { Find } from './find_arguments.ts';
import { documentStage, matchStage, numberStage, openView } from './view_query.ts';

const NATURAL = fieldName('$natural');

/** What a pipeline cannot do. */
const UNSUPPORTED = [
  'returnKey',
  'showRecordId',
  'tailable',
  'noCursorTimeout',
  'allowPartialResults',
  'readOnce',
] as const;

export function findOnView(
  view: ResolvedView,
  find: Find,
  target: { readonly request: CommandRequest; readonly context: CommandContext; readonly reply: BsonWriter },
): Promise<void> | undefined {
  const { request, context, reply } = target;
  const readAt = readPoint(request, context, view.ns);
  const turn = new Turn(context.env.clock);
  const order = viewOrderFor(find.collation, view);
  const scope = expressionScope(context, { variables: find.variables, order, turn });
  const opened = openView(view, { stages: viewStagesOf(find), scope, hint: find.hint, readAt, turn }, context);
  const cursor = {
    ...opened,
    ns: find.ns,
    batchSize: find.batchSize,
    isSingleBatch: find.singleBatch,
    isTailable: false,
    isAwaitData: false,
    hasTimeout: true,
    readAt,
  };
  return openCursor(cursor, request, context, reply);
}

function unsupported(option: string): CommandError {
  return new CommandError('InvalidPipelineOperator', `Option ${option} not supported in aggregation.`);
}

/** What find is on a view. Refuses what a pipeline cannot do. A sort by `$natural` leaves the order of the view. */
export function viewStagesOf(find: Find): Uint8Array[] {
  for (const option of UNSUPPORTED) if (find[option] === true) throw unsupported(option);
  for (const option of ['min', 'max'] as const) if (find[option] !== undefined) throw unsupported(option);
  const { filter, sort, skip, limit, projection } = find;
  if (find.singleBatch && limit !== 1) throw unsupported('singleBatch');
  const stages: Uint8Array[] = [];
  if (!isEmptyDocument(filter)) stages.push(matchStage(filter));
  if (sort !== undefined && !isEmptyDocument(sort) && findField(sort, NATURAL) === undefined) {
    stages.push(documentStage('$sort', sort));
  }
  if (skip > 0) stages.push(numberStage('$skip', skip));
  if (limit !== Infinity) stages.push(numberStage('$limit', limit));
  if (projection !== undefined && !isEmptyDocument(projection)) stages.push(documentStage('$project', projection));
  return stages;
}
