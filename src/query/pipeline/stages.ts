/** Every stage of pipelines. A new one is a file and a row here. */
import { addFieldsStage, setStage } from './add_fields_stage.ts';
import { bucketAutoStage } from './bucket_auto_stage.ts';
import { bucketStage } from './bucket_stage.ts';
import { countStage } from './count_stage.ts';
import { densifyStage } from './densify_stage.ts';
import { documentsStage } from './documents_stage.ts';
import { facetStage } from './facet_stage.ts';
import { fillStage } from './fill_stage.ts';
import { geoNearStage } from './geo_near_stage.ts';
import { graphLookupStage } from './graph_lookup_stage.ts';
import { groupStage } from './group_stage.ts';
import { limitStage, skipStage } from './limit_stages.ts';
import { lookupStage } from './lookup_stage.ts';
import { matchStage } from './match_stage.ts';
import { mergeStage } from './merge_stage.ts';
import { outStage } from './out_stage.ts';
import { projectStage } from './project_stage.ts';
import { redactStage } from './redact_stage.ts';
import { replaceRootStage, replaceWithStage } from './replace_root_stage.ts';
import { sampleStage } from './sample_stage.ts';
import { setWindowFieldsStage } from './set_window_fields_stage.ts';
import { sortByCountStage } from './sort_by_count_stage.ts';
import { sortStage } from './sort_stage.ts';
import type { PipelinePlace, StageKind } from './stage.ts';
import {
  collStatsStage,
  currentOpStage,
  indexStatsStage,
  planCacheStatsStage,
  listLocalSessionsStage,
  listSessionsStage,
} from './system_stages.ts';
import { unionWithStage } from './union_with_stage.ts';
import { unsetStage } from './unset_stage.ts';
import { unwindStage } from './unwind_stage.ts';

const STAGES: readonly StageKind[] = [
  addFieldsStage,
  bucketAutoStage,
  bucketStage,
  collStatsStage,
  currentOpStage,
  countStage,
  densifyStage,
  documentsStage,
  facetStage,
  fillStage,
  geoNearStage,
  graphLookupStage,
  groupStage,
  indexStatsStage,
  planCacheStatsStage,
  limitStage,
  listLocalSessionsStage,
  listSessionsStage,
  lookupStage,
  matchStage,
  mergeStage,
  outStage,
  projectStage,
  redactStage,
  replaceRootStage,
  replaceWithStage,
  sampleStage,
  setStage,
  setWindowFieldsStage,
  skipStage,
  sortByCountStage,
  sortStage,
  unionWithStage,
  unsetStage,
  unwindStage,
];

export const STAGE_BY_NAME: ReadonlyMap<string, StageKind> = new Map(STAGES.map((stage) => [stage.name, stage]));

const IN_FACET: ReadonlySet<PipelinePlace> = new Set(['facet']);
const INSIDE: ReadonlySet<PipelinePlace> = new Set(['facet', 'lookup', 'unionWith']);

type UnbuiltStage = Omit<StageKind, 'parse'>;

/** Stages of MongoDB 8.0 that are not built, with where they must stand. */
const UNBUILT: readonly UnbuiltStage[] = [
  { name: '$changeStream', position: 'first', notIn: INSIDE },
  { name: '$changeStreamSplitLargeEvent', position: 'last', notIn: INSIDE },
  { name: '$querySettings', position: 'first', notIn: IN_FACET },
  { name: '$queryStats', position: 'first', notIn: IN_FACET },
];

export const UNBUILT_STAGES: ReadonlyMap<string, UnbuiltStage> = new Map(UNBUILT.map((stage) => [stage.name, stage]));

/** They need what only Atlas has. */
export const SEARCH_STAGES: ReadonlySet<string> = new Set([
  '$listSearchIndexes',
  '$search',
  '$searchMeta',
  '$vectorSearch',
]);
