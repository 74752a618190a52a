/** Explaining a pipeline: as the query that can stand for it, or as a cursor with stages after it. */
import type { Collection } from '../database/collection.ts';
import { planExplained, writeQueryPlanner } from '../database/explain/explain_query.ts';
import type { ExplainedQuery } from '../database/explain/query_stages.ts';
import { resolveHint } from '../database/plan.ts';
import type { Timestamp } from '../base/optime.ts';
import type { RawValue } from '../bson/value.ts';
import { BsonWriter } from '../bson/writer.ts';
import { compileFilter } from '../query/matcher.ts';
import type { CompiledPipeline } from '../query/pipeline.ts';
import type { SortSpec } from '../query/sort.ts';
import { EMPTY_DOCUMENT } from './empty_document.ts';
import { executeChoice, explainQuery, writeServer, type ExplainTarget } from './explain_reply.ts';

export interface ExplainedPipeline {
  readonly ns: string;
  readonly collection: Collection | undefined;
  readonly pipeline: CompiledPipeline;
  /** The stages as they were given. */
  readonly stages: readonly Uint8Array[];
  readonly hint: RawValue | undefined;
  readonly at: Timestamp;
}

const MATCH_ALL = compileFilter(EMPTY_DOCUMENT);

export function explainPipeline(explained: ExplainedPipeline, target: ExplainTarget): Promise<void> | undefined {
  const { pipeline, stages } = explained;
  const query = queryOf(explained);
  if (pipeline.pushdown.stages === stages.length) return explainQuery(query, target);
  const { reply, verbosity } = target;
  const choice = planExplained(query);
  reply.string('explainVersion', '1').startArray('stages').startSubdocument(0).startSubdocument('$cursor');
  writeQueryPlanner(query, choice, reply);
  if (verbosity === 'queryPlanner') {
    writeStages(explained, target);
    return undefined;
  }
  const execution = executeChoice(query, choice, target);
  const finish = (): void => {
    execution.write();
    writeStages(explained, target);
  };
  const waiting = execution.run();
  if (waiting === undefined) finish();
  return waiting?.then(finish);
}

/** Closes the cursor, and lists what follows it. */
function writeStages({ pipeline, stages }: ExplainedPipeline, target: ExplainTarget): void {
  const { reply } = target;
  reply.end().end();
  for (const [i, stage] of stages.slice(pipeline.pushdown.stages).entries()) reply.document(i + 1, stage);
  reply.end();
  writeServer(target);
}

/** What the leading stages ask of the collection. */
function queryOf({ ns, collection, pipeline, hint, at }: ExplainedPipeline): ExplainedQuery {
  const { filter = MATCH_ALL, sort, skip, limit } = pipeline.pushdown;
  return {
    ns,
    collection,
    filter,
    sort,
    sortPattern: sort === undefined ? undefined : patternOf(sort),
    projection: undefined,
    hint: hint === undefined ? undefined : resolveHint(hint, collection),
    skip,
    limit,
    at,
    purpose: pipeline.countOnly !== undefined && limit === Infinity ? { kind: 'count' } : { kind: 'find' },
    collation: collection?.collation?.document,
  };
}

function patternOf({ fields }: SortSpec): Uint8Array {
  const writer = new BsonWriter().startDocument();
  for (const { path, descending } of fields) writer.int32(path, descending ? -1 : 1);
  return writer.endDocument().finish();
}
