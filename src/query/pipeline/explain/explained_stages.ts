/** The stages of a pipeline as explain lists them: those that run as one are one. */
import { desugar } from './desugar.ts';
import { redactSafePart } from '../rewrite/redact_safe.ts';
import { rewritePipeline } from '../rewrite/rewrite_pipeline.ts';
import {
  countIn,
  documentSpec,
  fieldsIn,
  overlaps,
  specOf,
  stageOf,
  textIn,
  type StageSpec,
} from '../rewrite/stage_spec.ts';
import { BSON_TYPE } from '../../../bson/types.ts';
import { stringOf, type RawValue } from '../../../bson/value.ts';

/** One entry of the list, for some stages of the pipeline that is run. */
export interface ExplainedStage {
  readonly spec: StageSpec;
  /** What it does besides. */
  readonly absorbed: readonly StageSpec[];
  /** Of a `$sort`: how many documents are wanted of it. */
  readonly limit: number | undefined;
  /** The index of the last of its stages: what comes out of that one comes out of it. */
  readonly last: number;
}

/** What is run for an explain: the rewritten pipeline with nothing short for something else. */
export function writtenOut(stages: readonly Uint8Array[]): readonly StageSpec[] {
  return rewritePipeline(stages).flatMap((stage) => {
    const spec = specOf(stage);
    return spec.name === '$facet' ? [facetWrittenOut(spec)] : desugar(spec);
  });
}

function facetWrittenOut({ name, operand }: StageSpec): StageSpec {
  return documentSpec(name, (writer) => {
    for (const [facet, pipeline] of fieldsIn(operand)) {
      writer.startArray(facet);
      for (const [i, spec] of writtenOut(stagesIn(pipeline)).entries()) writer.document(i, stageOf(spec));
      writer.end();
    }
  });
}

/** The stages of a pipeline inside a stage. */
export function stagesIn(pipeline: RawValue): Uint8Array[] {
  return fieldsIn(pipeline).map(([, { bytes, start, end }]) => bytes.slice(start, end));
}

/**
 * What is run behind the leading stages that storage does. MongoDB tries its rules once more there, so that the test before
 * a `$redact` is made again.
 */
export function behindCursor(specs: readonly StageSpec[]): readonly StageSpec[] {
  const [redact, match] = specs;
  if (redact?.name !== '$redact' || match?.name !== '$match') return specs;
  const safe = redactSafePart(match.operand);
  return safe === undefined ? specs : [{ name: '$match', operand: safe }, ...specs];
}

/** The entries for the stages from `from` on. */
export function explainedStages(specs: readonly StageSpec[], from: number): readonly ExplainedStage[] {
  const entries: ExplainedStage[] = [];
  for (let at = from; at < specs.length;) {
    const entry = entryAt(specs, at);
    entries.push(entry);
    const skipped = limitBehindSkip(specs, at);
    if (skipped !== undefined) {
      entries.push({ spec: specs[at + 1], absorbed: [], limit: undefined, last: skipped });
      at = skipped + 1;
    } else at = entry.last + 1;
  }
  return entries;
}

function entryAt(specs: readonly StageSpec[], at: number): ExplainedStage {
  const spec = specs[at];
  if (spec.name === '$sort') return sortEntry(specs, at);
  if (spec.name === '$lookup') return lookupEntry(specs, at);
  return { spec, absorbed: [], limit: undefined, last: at };
}

function sortEntry(specs: readonly StageSpec[], at: number): ExplainedStage {
  const spec = specs[at];
  const behindSkip = limitBehindSkip(specs, at);
  if (behindSkip !== undefined) {
    const limit = countIn(specs[at + 1]) + countIn(specs[behindSkip]);
    return { spec, absorbed: [], limit, last: at };
  }
  const next = specs[at + 1];
  if (next?.name !== '$limit') return { spec, absorbed: [], limit: undefined, last: at };
  return { spec, absorbed: [next], limit: countIn(next), last: at + 1 };
}

/** Where the limit of `$sort`, `$skip`, `$limit` is. */
function limitBehindSkip(specs: readonly StageSpec[], at: number): number | undefined {
  const isWindow = specs[at].name === '$sort' && specs[at + 1]?.name === '$skip' && specs[at + 2]?.name === '$limit';
  return isWindow ? at + 2 : undefined;
}

/** A `$lookup` unwinds its own array, and then tests what was joined. */
function lookupEntry(specs: readonly StageSpec[], at: number): ExplainedStage {
  const spec = specs[at];
  const as = textIn(spec.operand, 'as') ?? '';
  const absorbed: StageSpec[] = [];
  const unwind = specs[at + 1];
  if (unwind?.name === '$unwind' && unwoundPath(unwind) === as) {
    absorbed.push(unwind);
    const match = specs[at + 2];
    if (match?.name === '$match' && isAbout(match, as)) absorbed.push(match);
  }
  return { spec, absorbed, limit: undefined, last: at + absorbed.length };
}

function unwoundPath({ operand }: StageSpec): string {
  return (operand.type === BSON_TYPE.string ? stringOf(operand) : (textIn(operand, 'path') ?? '')).slice(1);
}

function isAbout({ operand }: StageSpec, as: string): boolean {
  return fieldsIn(operand).every(([name]) => !name.startsWith('$') && overlaps(name, as) && name !== as);
}
