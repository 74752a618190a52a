/** The stages of a plan's way to the records: scans of collections and indexes, and what fetches documents. */
import { numberOf } from '../../bson/value.ts';
import { fieldName } from '../../bson/bytes.ts';
import { findField } from '../../bson/elements.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import { describeValue } from '../../query/describe.ts';
import { normalizePredicate } from '../../query/match/normalize_predicate.ts';
import { conjunction, type Predicate } from '../../query/match/predicate.ts';
import { serializePredicate } from '../../query/match/serialize_predicate.ts';
import { isWildcardPath } from '../index_kinds/wildcard.ts';
import type { Interval } from '../planner/interval.ts';
import type { Access, IndexAccess, Plan, UnionAccess } from '../planner/access.ts';
import { keyPatternOf, type CandidateField } from '../planner/candidate.ts';
import type { RecordScan } from '../scan/record_scan.ts';
import type { ExplainStage, StageCounts } from './stage.ts';

/** A scan that was run to its end, or to where no more was wanted. */
export interface ScanRun {
  readonly scan: RecordScan;
  /** Records it gave. */
  readonly found: number;
  readonly isEnded: boolean;
}

/** `isCovered`: documents are made from the keys alone. */
export function accessStages(plan: Plan, run: ScanRun | undefined, isCovered = false): ExplainStage {
  const { access, residual } = plan;
  switch (access.kind) {
    case 'collection':
      return {
        stage: 'COLLSCAN',
        inputs: [],
        counts: run && { returned: run.found, works: docsOf(run) + 1, isEnded: run.isEnded },
        fields(writer) {
          writeFilter(residual, writer);
          writer.string('direction', access.reverse ? 'backward' : 'forward');
        },
        counters: (writer) => void writer.int32('docsExamined', run === undefined ? 0 : docsOf(run)),
      };
    case 'id':
      return idStage(run);
    case 'index': {
      const scan = indexStage(access, run);
      return isCovered ? scan : fetchStage(scan, residual, run);
    }
    case 'union':
      return unionStages(access, residual, run);
    case 'special':
      return specialStage(access, run);
  }
}

function docsOf({ scan }: ScanRun): number {
  return scan.docsExamined ?? 0;
}

function keysOf({ scan }: ScanRun): number {
  return scan.keysExamined ?? 0;
}

/** Looking up one `_id`, without any of the usual machinery. */
function idStage(run: ScanRun | undefined): ExplainStage {
  return {
    stage: 'EXPRESS_IXSCAN',
    inputs: [],
    counts: run && { returned: run.found, works: run.found, isEnded: run.isEnded },
    fields: (writer) => void writer.string('keyPattern', '{ _id: 1 }').string('indexName', '_id_'),
    counters(writer) {
      if (run !== undefined) writer.int32('keysExamined', keysOf(run)).int32('docsExamined', docsOf(run));
    },
  };
}

function specialStage(access: Extract<Access, { kind: 'special' }>, run: ScanRun | undefined): ExplainStage {
  return {
    // The access writes its own stages.
    stage: '',
    inputs: [],
    counts: run && { returned: run.found, works: docsOf(run) + 1, isEnded: run.isEnded },
    fields: (writer) => access.explain(writer),
  };
}

export function fetchStage(
  below: ExplainStage,
  residual: Predicate | undefined,
  run: ScanRun | undefined,
): ExplainStage {
  return {
    stage: 'FETCH',
    inputs: [below],
    counts: run && { returned: run.found, works: keysOf(run) + (run.isEnded ? 1 : 0), isEnded: run.isEnded },
    fields: (writer) => writeFilter(residual, writer),
    counters(writer) {
      writer.int32('docsExamined', run === undefined ? 0 : docsOf(run)).int32('alreadyHasObj', 0);
    },
  };
}

/** Leaves out what is nothing to be tested. */
export function writeFilter(filter: Predicate | undefined, writer: BsonWriter): void {
  if (filter !== undefined) writer.document('filter', serializePredicate(normalizePredicate(filter)));
}

function indexStage(access: IndexAccess, run: ScanRun | undefined): ExplainStage {
  const { keyTests } = access.bounds;
  const tested = keyTests.length === 0 ? undefined : conjunction(keyTests.map((test) => test.conjunct));
  return {
    stage: access.distinct === undefined ? 'IXSCAN' : 'DISTINCT_SCAN',
    inputs: [],
    counts: run && countsOfKeys(run, access.distinct !== undefined),
    fields(writer) {
      writeFilter(tested, writer);
      writeIndex(access, writer);
      writer.string('direction', access.reverse ? 'backward' : 'forward').startSubdocument('indexBounds');
      if (!access.isMinMax) writeBounds(access, writer);
      writer.end();
    },
    counters(writer) {
      const keys = run === undefined ? 0 : keysOf(run);
      writer.int32('keysExamined', keys);
      if (access.distinct === undefined) writer.int32('seeks', 1).int32('dupsTested', 0).int32('dupsDropped', 0);
    },
  };
}

/** Every key that passed leads to a document that is looked at. */
function countsOfKeys(run: ScanRun, isDistinct: boolean): StageCounts {
  const returned = docsOf(run) > 0 && !isDistinct ? docsOf(run) : run.found;
  return { returned, works: keysOf(run) + (run.isEnded ? 1 : 0), isEnded: run.isEnded };
}

const VERSION = fieldName('v');

/** What an index is, as IXSCAN, COUNT_SCAN and DISTINCT_SCAN show it. */
export function writeIndex({ index, bounds }: IndexAccess, writer: BsonWriter): void {
  const { candidate } = bounds;
  const version = index === undefined ? undefined : findField(index.spec.document, VERSION);
  writer.document('keyPattern', keyPatternOf(candidate)).string('indexName', candidate.name);
  writer.bool('isMultiKey', candidate.isMultikey).startSubdocument('multiKeyPaths');
  for (const field of candidate.fields) {
    if (field.plugin !== undefined && field.plugin !== 'hashed') continue;
    writer.startArray(field.path);
    for (const [i, path] of arrayPathsOf(field).entries()) writer.string(i, path);
    writer.end();
  }
  writer.end();
  writer.bool('isUnique', index === undefined || index.spec.isUnique);
  writer.bool('isSparse', index?.spec.isSparse === true || candidate.isWildcard);
  writer.bool('isPartial', index?.spec.partialFilter !== undefined);
  writer.int32('indexVersion', version === undefined ? 2 : numberOf(version));
}

function arrayPathsOf(field: CandidateField): string[] {
  if (isWildcardPath(field.path)) return [];
  const segments = field.path.split('.');
  return segments.flatMap((_, i) => (((field.arrays >> i) & 1) === 1 ? [segments.slice(0, i + 1).join('.')] : []));
}

function writeBounds({ bounds, reverse }: IndexAccess, writer: BsonWriter): void {
  for (const [i, field] of bounds.candidate.fields.entries()) {
    const isDownward = field.descending !== reverse;
    const intervals = isDownward ? bounds.fields[i].toReversed() : bounds.fields[i];
    writer.startArray(field.path);
    for (const [n, one] of intervals.entries()) writer.string(n, textOf(one, isDownward));
    writer.end();
  }
}

function textOf(one: Interval, isDownward: boolean): string {
  const low = describeValue(one.start);
  const high = describeValue(one.end);
  if (isDownward) return `${one.endInclusive ? '[' : '('}${high}, ${low}${one.startInclusive ? ']' : ')'}`;
  return `${one.startInclusive ? '[' : '('}${low}, ${high}${one.endInclusive ? ']' : ')'}`;
}

function unionStages(access: UnionAccess, residual: Predicate | undefined, run: ScanRun | undefined): ExplainStage {
  const parts = run?.scan.parts;
  const inputs = access.branches.map(({ access: branch, residual: rest }, i) => {
    const part = parts?.[i];
    const ofBranch = part && { scan: part, found: part.docsExamined ?? 0, isEnded: run?.isEnded === true };
    const scan = indexStage(branch, ofBranch);
    return rest === undefined ? scan : fetchStage(scan, rest, ofBranch);
  });
  const counts = run && { returned: run.found, works: keysOf(run) + 1, isEnded: run.isEnded };
  const { order } = access;
  const together: ExplainStage = {
    stage: order === undefined ? 'OR' : 'SORT_MERGE',
    inputs,
    hasInputList: true,
    counts,
    fields(writer) {
      if (order === undefined) return;
      writer.startSubdocument('sortPattern');
      for (const { path, descending } of order) writer.int32(path, descending ? -1 : 1);
      writer.end();
    },
  };
  const needsFetch = residual !== undefined || access.branches.some((branch) => branch.residual === undefined);
  return needsFetch ? fetchStage(together, residual, run) : together;
}
