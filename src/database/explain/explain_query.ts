/** The parts of an explain reply that are about a query: `queryPlanner` and `executionStats`. */
import type { BsonWriter } from '../../bson/writer.ts';
import { normalizePredicate } from '../../query/match/normalize_predicate.ts';
import { serializePredicate } from '../../query/match/serialize_predicate.ts';
import type { Collection } from '../catalog/collection.ts';
import { groupPlanOf } from '../run/distinct_query.ts';
import { chooseAmongPlans, type Choice } from '../planner/plan.ts';
import type { Plan } from '../planner/access.ts';
import { distinctPlanOf } from '../planner/distinct_plan.ts';
import { planCacheKeyOf, queryShapeOf } from '../planner/query_shape.ts';
import { shapeHashOf } from './shape_hash.ts';
import { queryStages, returnedBy, type ExplainedQuery, type QueryRun } from './query_stages.ts';
import { writeStage } from './stage.ts';

/** Undefined when there is no collection. Throws what planning throws. */
export function planExplained(query: ExplainedQuery): Choice | undefined {
  const { collection, filter, sort, hint, limits, at } = query;
  if (collection === undefined) return undefined;
  const distinct = distinctPlan(query, collection);
  if (distinct !== undefined) return { plan: distinct, rejected: [] };
  return chooseAmongPlans({ collection, filter, sort: sort?.indexFields, hint, limits, at, isExplained: true });
}

/** A plan that reads one entry of an index for each value that is wanted. */
function distinctPlan(query: ExplainedQuery, collection: Collection): Plan | undefined {
  const { filter, sort, hint, at, group, purpose, collation } = query;
  if (collation !== undefined) return undefined;
  if (group !== undefined) return groupPlanOf({ collection, filter, sort, hint, at }, group);
  if (purpose.kind !== 'distinct') return undefined;
  return distinctPlanOf({ collection, filter, sort: undefined, hint, at }, { path: purpose.key, isStrict: false });
}

/** `isPipeline`: the query stands for a whole pipeline. */
export function writeQueryPlanner(
  query: ExplainedQuery,
  choice: Choice | undefined,
  writer: BsonWriter,
  isPipeline = false,
): void {
  const { ns, filter, sort, collation } = query;
  const hash = shapeHashOf(queryShapeOf(filter.predicate, sort?.fields));
  const indexes = query.collection?.indexes ?? [];
  const key = shapeHashOf(planCacheKeyOf({ indexes }, filter.predicate, sort?.fields));
  writer.startSubdocument('queryPlanner').string('namespace', ns);
  writer.document('parsedQuery', serializePredicate(normalizePredicate(filter.predicate)));
  if (collation !== undefined) writer.document('collation', collation);
  writer.bool('indexFilterSet', choice?.hasFilter === true);
  writer.string('queryHash', hash).string('planCacheShapeHash', hash).string('planCacheKey', key);
  if (isPipeline) writer.bool('optimizedPipeline', true);
  writer.int32('optimizationTimeMillis', 0).bool('maxIndexedOrSolutionsReached', false);
  writer.bool('maxIndexedAndSolutionsReached', false).bool('maxScansToExplodeReached', false);
  writer.bool('prunedSimilarIndexes', false);
  if (choice === undefined) writePlans(query, { plan: undefined, rejected: [] }, writer);
  else writePlans(query, choice, writer);
  writer.end();
}

type PlanList = Omit<Choice, 'plan'> & { readonly plan: Plan | undefined };

function writePlans(query: ExplainedQuery, { plan, rejected, cachedPlan }: PlanList, writer: BsonWriter): void {
  writer.startSubdocument('winningPlan').bool('isCached', plan !== undefined && plan === cachedPlan);
  writeStage(queryStages(query, plan, undefined), writer, false);
  writer.end().startArray('rejectedPlans');
  for (const [i, other] of rejected.entries()) {
    writer.startSubdocument(i).bool('isCached', other === cachedPlan);
    writeStage(queryStages(query, other, undefined), writer, false);
    writer.end();
  }
  writer.end();
}

/** A plan and what it did. */
export interface ExecutedPlan {
  readonly plan: Plan | undefined;
  readonly run: QueryRun | undefined;
}

export interface Execution extends ExecutedPlan {
  readonly millis: number;
  /** With all plans that were tried: what each did. */
  readonly trials: readonly ExecutedPlan[] | undefined;
}

export function writeExecutionStats(query: ExplainedQuery, execution: Execution, writer: BsonWriter): void {
  writer.startSubdocument('executionStats').bool('executionSuccess', true);
  writer.int32('nReturned', returnedBy(query, execution.run?.returned ?? 0));
  writer.int32('executionTimeMillis', execution.millis);
  writeExecuted(query, execution, writer);
  if (execution.trials !== undefined) {
    writer.startArray('allPlansExecution');
    for (const [i, trial] of execution.trials.entries()) {
      writer
        .startSubdocument(i)
        .int32('nReturned', trial.run?.returned ?? 0)
        .int32('executionTimeMillisEstimate', 0);
      writeExecuted(query, trial, writer);
      writer.end();
    }
    writer.end();
  }
  writer.end();
}

const NO_RUN: QueryRun = {
  scan: { advance: () => 'end', recordId: new Uint8Array(0), document: new Uint8Array(0), moveTo: () => {} },
  found: 0,
  foundBytes: 0,
  returned: 0,
  isEnded: true,
};

function writeExecuted(query: ExplainedQuery, { plan, run = NO_RUN }: ExecutedPlan, writer: BsonWriter): void {
  writer.int32('totalKeysExamined', run.scan.keysExamined ?? 0);
  writer.int32('totalDocsExamined', countsWithoutDocuments(query, plan) ? 0 : (run.scan.docsExamined ?? 0));
  writer.startSubdocument('executionStages').bool('isCached', false);
  writeStage(queryStages(query, plan, run), writer, true);
  writer.end();
}

/** Counting does not look at documents when keys tell all, whatever the run for explain did. */
function countsWithoutDocuments({ purpose, filter }: ExplainedQuery, plan: Plan | undefined): boolean {
  if (purpose.kind !== 'count') return false;
  return filter.matchesAll || (plan?.isExact === true && plan.access.kind === 'index');
}
