/** Every stage of pipelines. A new one is a file and a row here. */
import { countStage } from './count_stage.ts';
import { groupStage } from './group_stage.ts';
import { limitStage, skipStage } from './limit_stages.ts';
import { matchStage } from './match_stage.ts';
import { projectStage } from './project_stage.ts';
import { sortStage } from './sort_stage.ts';
import type { StageKind } from './stage.ts';

const STAGES: readonly StageKind[] = [
  countStage,
  groupStage,
  limitStage,
  matchStage,
  projectStage,
  skipStage,
  sortStage,
];

export const STAGE_BY_NAME: ReadonlyMap<string, StageKind> = new Map(STAGES.map((stage) => [stage.name, stage]));

/** Stages of MongoDB 8.0 that are not built. */
export const UNBUILT_STAGES: ReadonlySet<string> = new Set([
  '$addFields',
  '$bucket',
  '$bucketAuto',
  '$changeStream',
  '$changeStreamSplitLargeEvent',
  '$collStats',
  '$currentOp',
  '$densify',
  '$documents',
  '$facet',
  '$fill',
  '$geoNear',
  '$graphLookup',
  '$indexStats',
  '$listLocalSessions',
  '$listSessions',
  '$lookup',
  '$merge',
  '$out',
  '$planCacheStats',
  '$querySettings',
  '$queryStats',
  '$redact',
  '$replaceRoot',
  '$replaceWith',
  '$sample',
  '$search',
  '$set',
  '$setWindowFields',
  '$shardedDataDistribution',
  '$sortByCount',
  '$unionWith',
  '$unset',
  '$unwind',
  '$vectorSearch',
]);
