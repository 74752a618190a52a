/** The stages behind a cursor in the reply to an explain, with what each of them gave. */
import { BSON_TYPE } from '../../bson/types.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import { EMPTY_DOCUMENT } from '../empty_document.ts';
import { explainedStages, stagesIn, type ExplainedStage } from '../../query/pipeline/explain/explained_stages.ts';
import { writeExplainedStage } from '../../query/pipeline/explain/serialize_stage.ts';
import type { GivenDocuments, StageCounts } from '../../query/pipeline/explain/stage_counts.ts';
import { fieldsIn, specOf } from '../../query/pipeline/rewrite/stage_spec.ts';
import type { PipelineSettings } from '../../query/pipeline.ts';
import type { Verbosity } from './explain_reply.ts';

/** A list of stages and what was seen of them. */
export interface StageListing {
  readonly settings: PipelineSettings;
  readonly counts: StageCounts;
  readonly verbosity: Verbosity;
  readonly entries: readonly ExplainedStage[];
  /** What writes the pipeline of a `$unionWith` into the array that is open. */
  readonly unions: ReadonlyMap<ExplainedStage, { writeList(reply: BsonWriter): void }>;
}

interface Place {
  readonly reply: BsonWriter;
  /** The index of the first stage in the array that is open. */
  readonly first: number;
  /** Documents that what is below gave. */
  readonly returned: number;
}

export function writeStages(list: StageListing, place: Place): void {
  writeEntries(list, list.entries, place);
}

function writeEntries(list: StageListing, entries: readonly ExplainedStage[], { reply, first, returned }: Place): void {
  let taken = returned;
  for (const [i, entry] of entries.entries()) {
    const given = list.counts.of(entry.last);
    reply.startSubdocument(first + i);
    writeEntry(list, entry, { reply, taken });
    if (isRun(list)) {
      writeWork(entry, given, list.settings, reply);
      reply.int64('nReturned', given.documents).int64('executionTimeMillisEstimate', 0);
    }
    reply.end();
    taken = given.documents;
  }
}

function isRun({ verbosity }: StageListing): boolean {
  return verbosity !== 'queryPlanner';
}

function writeEntry(
  list: StageListing,
  entry: ExplainedStage,
  { reply, taken }: { readonly reply: BsonWriter; readonly taken: number },
): void {
  const { spec } = entry;
  if (spec.name === '$facet') writeFacets(list, entry, { reply, taken });
  else if (spec.name === '$unionWith') writeUnion(list, entry, reply);
  else writeExplainedStage(entry, { scope: list.settings.scope, db: list.settings.db }, reply);
}

/** Every pipeline begins with what hands the documents out. */
function writeFacets(
  list: StageListing,
  { spec, last }: ExplainedStage,
  { reply, taken }: { readonly reply: BsonWriter; readonly taken: number },
): void {
  const inner = list.counts.inner(last);
  reply.startSubdocument('$facet');
  for (const [i, [name, pipeline]] of fieldsIn(spec.operand).entries()) {
    reply.startArray(name).startSubdocument(0).document('$teeConsumer', EMPTY_DOCUMENT);
    if (isRun(list)) reply.int64('nReturned', taken).int64('executionTimeMillisEstimate', 0);
    reply.end();
    const entries = explainedStages(stagesIn(pipeline).map(specOf), 0);
    const counts = inner[i] ?? list.counts;
    writeEntries({ ...list, counts }, entries, { reply, first: 1, returned: taken });
    reply.end();
  }
  reply.end();
}

function writeUnion(list: StageListing, entry: ExplainedStage, reply: BsonWriter): void {
  const { operand } = entry.spec;
  reply.startSubdocument('$unionWith');
  if (operand.type === BSON_TYPE.string) reply.value('coll', operand);
  else for (const [name, value] of fieldsIn(operand)) if (name === 'coll') reply.value(name, value);
  reply.startArray('pipeline');
  list.unions.get(entry)?.writeList(reply);
  reply.end().end();
}

/** What stages that keep documents tell of it. */
function writeWork(
  { spec }: ExplainedStage,
  given: GivenDocuments,
  settings: PipelineSettings,
  reply: BsonWriter,
): void {
  const usedDisk = given.bytes > (settings.memory?.bytesMax ?? Infinity);
  if (spec.name === '$group') {
    reply.startSubdocument('maxAccumulatorMemoryUsageBytes');
    for (const [name] of fieldsIn(spec.operand)) {
      if (name !== '_id') reply.int64(name, given.fieldBytes.get(name) ?? 0);
    }
    reply.end().int64('totalOutputDataSizeBytes', given.bytes);
    writeSpills(usedDisk, reply);
    reply.int64('numBytesSpilledEstimate', 0).int64('spilledRecords', 0);
  } else if (spec.name === '$sort') {
    reply.int64('totalDataSizeSortedBytesEstimate', given.bytes);
    writeSpills(usedDisk, reply);
  }
}

function writeSpills(usedDisk: boolean, reply: BsonWriter): void {
  reply
    .bool('usedDisk', usedDisk)
    .int64('spills', usedDisk ? 1 : 0)
    .int64('spilledDataStorageSize', 0);
}
