/** The reply to an explain: the plan of a query, what it did, and which server says so. */
import { CommandError } from '../../base/command_error.ts';
import { TRIAL_RESULTS_MAX } from '../../base/limits.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import {
  planExplained,
  writeExecutionStats,
  writeQueryPlanner,
  type ExecutedPlan,
} from '../../database/explain/explain_query.ts';
import { ExplainRun } from '../../database/explain/explain_run.ts';
import type { ExplainedQuery } from '../../database/explain/query_stages.ts';
import type { Source } from '../../query/pipeline/source.ts';
import type { Choice } from '../../database/planner/plan.ts';
import type { Plan } from '../../database/planner/access.ts';
import { Turn } from '../../database/turn.ts';
import type { CommandContext } from '../context.ts';
import { runToEnd } from '../query/cursor_reply.ts';
import { VERSION } from '../server/version.ts';

export type Verbosity = 'queryPlanner' | 'executionStats' | 'allPlansExecution';

/** Where the answer goes, and how much of it is wanted. */
export interface ExplainTarget {
  readonly context: CommandContext;
  readonly verbosity: Verbosity;
  readonly reply: BsonWriter;
  readonly command: Uint8Array;
}

/** The whole reply about one query. */
export function explainQuery(query: ExplainedQuery, target: ExplainTarget): Promise<void> | undefined {
  const { reply, verbosity } = target;
  const choice = planExplained(query);
  reply.string('explainVersion', '1');
  writeQueryPlanner(query, choice, reply);
  if (verbosity === 'queryPlanner') {
    writeServer(target);
    return undefined;
  }
  const execution = executeChoice(query, choice, target);
  const finish = (): void => {
    execution.write();
    writeServer(target);
  };
  const waiting = runToEnd(
    () => execution.advance(),
    target.context,
    () => execution.resume(),
  );
  if (waiting === undefined) finish();
  return waiting?.then(finish);
}

/** What is run for an explain, a step at a time. */
export interface ExplainExecution {
  advance(): 'done' | 'pause';
  /** After a pause. */
  resume(): void;
  /** Writes `executionStats`, once it is done. */
  write(): void;
  /** How many documents the winner gave. */
  returned(): number;
}

/** A run of the winner and, where they are asked for, short ones of all plans. `through`: what is put over the winner. */
export function executeChoice(
  query: ExplainedQuery,
  choice: Choice | undefined,
  { context, verbosity, reply }: Pick<ExplainTarget, 'context' | 'verbosity' | 'reply'>,
  through?: (source: Source) => Source,
): ExplainExecution {
  const { clock } = context.env;
  const startedAt = clock.monotonic();
  const turn = new Turn(clock);
  const start = (plan: Plan, most: number, above?: typeof through): ExplainRun | undefined => {
    return query.collection && new ExplainRun(query, query.collection, { plan, turn, most, through: above });
  };
  const isTried = verbosity === 'allPlansExecution' && choice !== undefined && choice.rejected.length > 0;
  const tried = isTried ? [choice.plan, ...choice.rejected] : [];
  const winner = choice && start(choice.plan, Infinity, through);
  const trials = tried.map((plan): ExecutedPlan & { run: ExplainRun | undefined } => ({
    plan,
    run: start(plan, TRIAL_RESULTS_MAX),
  }));
  const runs = [winner, ...trials.map((one) => one.run)].filter((one) => one !== undefined);
  let current = 0;
  return {
    advance() {
      for (; current < runs.length; current++) if (runs[current].advance() === 'pause') return 'pause';
      return 'done';
    },
    resume: () => resume(query, turn),
    returned: () => winner?.returned ?? 0,
    write() {
      const millis = Math.max(0, Math.round(clock.monotonic() - startedAt));
      const all = verbosity === 'allPlansExecution' ? trials : undefined;
      writeExecutionStats(query, { plan: choice?.plan, run: winner, millis, trials: all }, reply);
    },
  };
}

function resume({ collection }: ExplainedQuery, turn: Turn): void {
  if (collection?.gone !== undefined) throw new CommandError('QueryPlanKilled', collection.gone);
  turn.restart();
}

/** What every explain ends with. */
export function writeServer({ command, reply, context }: ExplainTarget): void {
  const address = context.connection.localAddress;
  const colon = address.lastIndexOf(':');
  reply.document('command', command);
  reply.startSubdocument('serverInfo').string('host', address.slice(0, colon));
  reply.int32('port', Number(address.slice(colon + 1)) || 0).string('version', VERSION);
  reply.string('gitVersion', '').end();
  reply.startSubdocument('serverParameters');
  for (const [name, value] of SERVER_PARAMETERS) {
    if (typeof value === 'string') reply.string(name, value);
    else reply.int32(name, value);
  }
  reply.end();
}

/** 100 MB, of which most stages may keep so much. */
const STAGE_BYTES = 104_857_600;

/** What bounds and steers queries, by MongoDB's names. */
const SERVER_PARAMETERS: readonly (readonly [string, number | string])[] = [
  ['internalQueryFacetBufferSizeBytes', STAGE_BYTES],
  ['internalQueryFacetMaxOutputDocSizeBytes', STAGE_BYTES],
  ['internalLookupStageIntermediateDocumentMaxSizeBytes', STAGE_BYTES],
  ['internalDocumentSourceGroupMaxMemoryBytes', STAGE_BYTES],
  ['internalQueryMaxBlockingSortMemoryUsageBytes', STAGE_BYTES],
  ['internalQueryProhibitBlockingMergeOnMongoS', 0],
  ['internalQueryMaxAddToSetBytes', STAGE_BYTES],
  ['internalDocumentSourceSetWindowFieldsMaxMemoryBytes', STAGE_BYTES],
  ['internalQueryFrameworkControl', 'forceClassicEngine'],
];
