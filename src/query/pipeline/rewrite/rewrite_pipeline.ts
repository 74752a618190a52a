/**
 * Pipelines put into a better order that means the same: conditions as early as they can be tested, where an index may
 * answer them, and what only counts documents before what changes them.
 *
 * One rule after the other is tried on two neighbours until none applies. Rules look at stages as they are written; the
 * pipeline was compiled before, so that errors are those of what was asked.
 */
import { rawArray, stringOf, type RawValue } from '../../../bson/value.ts';
import { isEmptyDocument } from '../../../bson/elements.ts';
import { BSON_TYPE } from '../../../bson/types.ts';
import { BsonWriter } from '../../../bson/writer.ts';
import { matchOf, partsOf, renamed, type MatchPart } from './match_parts.ts';
import { redactSafePart } from './redact_safe.ts';
import { changesOf, isTransformation, type StageChanges } from './stage_changes.ts';
import { countIn, countSpec, documentSpec, fieldsIn, specOf, stageOf, type StageSpec } from './stage_spec.ts';

/** Stages after which rules may have something to do. */
const MOVED: ReadonlySet<string> = new Set(['$limit', '$match', '$skip', '$sort']);

/** Rules tried in one pipeline; a pipeline that is still not done stays as it is then. */
const STEPS_MAX = 2000;

/** The pipeline in its better order; the same list when there is nothing to do. */
export function rewritePipeline(stages: readonly Uint8Array[]): readonly Uint8Array[] {
  const specs = stages.map(specOf);
  // What stands alone or only selects, as most do.
  const isFixed = !specs.some(({ name }, i) => MOVED.has(name) && (i > 0 || name !== '$match'));
  if (isFixed) return stages;
  const changed = rewritten(specs);
  return changed === specs ? stages : changed.map(stageOf);
}

function rewritten(specs: readonly StageSpec[]): readonly StageSpec[] {
  let current = specs;
  let at = 0;
  for (let step = 0; at < current.length && step < STEPS_MAX; step++) {
    const next = stepAt(current, at);
    if (next === undefined) at++;
    else {
      current = next;
      // What came nearer to the front may pass the stage before it.
      at = Math.max(at - 2, 0);
    }
  }
  return current;
}

type Rule = (first: StageSpec, second: StageSpec, before: readonly StageSpec[]) => readonly StageSpec[] | undefined;

const RULES: readonly Rule[] = [moveMatch, joinCounts, moveCount, dropSort];

function stepAt(specs: readonly StageSpec[], at: number): readonly StageSpec[] | undefined {
  const first = specs[at];
  if (isIdle(first) && specs.length > 1) return specs.toSpliced(at, 1);
  const second = specs[at + 1];
  if (second === undefined) return undefined;
  const matches = matchesFrom(specs, at);
  if (matches > 1) return specs.toSpliced(at, matches, joined(specs.slice(at, at + matches)));
  const before = specs.slice(0, at);
  for (const rule of RULES) {
    const replaced = rule(first, second, before);
    if (replaced !== undefined) return specs.toSpliced(at, 2, ...replaced);
  }
  return undefined;
}

/** Whether every document passes as it is. */
function isIdle({ name, operand }: StageSpec): boolean {
  if (name === '$skip') return countIn({ name, operand }) === 0;
  if (name === '$addFields' || name === '$set' || name === '$match') {
    return operand.type === BSON_TYPE.object && isEmptyDocument(operand.bytes, operand.start);
  }
  return false;
}

/** How many conditions follow one another. */
function matchesFrom(specs: readonly StageSpec[], at: number): number {
  let end = at;
  while (specs[end]?.name === '$match') end++;
  return end - at;
}

function joined(matches: readonly StageSpec[]): StageSpec {
  return matchOf(matches.flatMap(({ operand }) => itemsOfAnd(operand)));
}

/** A conjunction that stands alone is taken apart, so that those of many stages do not nest; no condition is none. */
function itemsOfAnd(filter: RawValue): RawValue[] {
  const fields = fieldsIn(filter);
  const [only] = fields;
  if (only === undefined) return [];
  const [name, list] = only;
  return fields.length === 1 && name === '$and' ? fieldsIn(list).map(([, item]) => item) : [filter];
}

function moveMatch(first: StageSpec, second: StageSpec): readonly StageSpec[] | undefined {
  if (second.name !== '$match') return undefined;
  if (first.name === '$redact') return beforeRedact(first, second);
  if (first.name === '$unionWith') return intoUnion(first, second);
  const changes = changesOf(first);
  if (changes === undefined) return undefined;
  const moved: RawValue[] = [];
  const left: RawValue[] = [];
  for (const part of partsOf(second.operand)) {
    const early = earlier(part, changes);
    if (early === undefined) left.push(part.filter);
    else moved.push(early);
  }
  if (moved.length === 0) return undefined;
  // A filter that moves as a whole stays as it was written.
  const isWhole = left.length === 0 && changes.copies.size === 0;
  const ahead = isWhole ? second : matchOf(moved);
  return left.length === 0 ? [ahead, first] : [ahead, first, matchOf(left)];
}

/** The part as it can be asked before the change; undefined when it cannot. */
function earlier({ filter, paths, isPlain }: MatchPart, changes: StageChanges): RawValue | undefined {
  if (paths === undefined || paths.size === 0) return undefined;
  const names = new Map<string, string>();
  for (const path of paths) {
    const [first = ''] = path.split('.');
    const source = changes.copies.get(first);
    if (source !== undefined && isPlain) names.set(first, source);
    else if (!changes.keeps(path)) return undefined;
  }
  return names.size === 0 ? filter : renamed(filter, names);
}

/** What can be told before is; all is tested again behind, for there may be less in the documents then. */
function beforeRedact(redact: StageSpec, match: StageSpec): readonly StageSpec[] | undefined {
  const safe = redact.isTestedBefore === true ? undefined : redactSafePart(match.operand);
  return safe && [{ name: '$match', operand: safe }, { ...redact, isTestedBefore: true }, match];
}

/** Both sides of the union are asked. */
function intoUnion(union: StageSpec, match: StageSpec): readonly StageSpec[] | undefined {
  const { operand } = union;
  const isPlain = partsOf(match.operand).every(({ paths }) => paths !== undefined);
  if (!isPlain) return undefined;
  const fields = operand.type === BSON_TYPE.string ? [] : fieldsIn(operand);
  const stages = fields.find(([name]) => name === 'pipeline')?.[1];
  const inner = stages === undefined ? [] : fieldsIn(stages).map(([, stage]) => stage);
  const list = new BsonWriter().startDocument();
  for (const [i, stage] of inner.entries()) list.value(i, stage);
  list.document(inner.length, stageOf(match));
  const pipeline = rawArray(list.endDocument().finish());
  const changed = documentSpec('$unionWith', (writer) => {
    if (operand.type === BSON_TYPE.string) writer.string('coll', stringOf(operand));
    for (const [name, value] of fields) if (name !== 'pipeline') writer.value(name, value);
    writer.value('pipeline', pipeline);
  });
  return [match, changed];
}

/** Skips add up, of limits the smaller holds. */
function joinCounts(first: StageSpec, second: StageSpec): readonly StageSpec[] | undefined {
  const [a, b] = [first, second].map((spec) => (spec.name === '$skip' || spec.name === '$limit' ? countIn(spec) : NaN));
  if (first.name === '$skip' && second.name === '$skip') {
    return Number.isSafeInteger(a + b) ? [countSpec('$skip', a + b)] : undefined;
  }
  if (first.name === '$limit' && second.name === '$limit') return [countSpec('$limit', Math.min(a, b))];
  // Of the first `a` documents some are skipped: a limit of 0 is none, so that one stays.
  if (first.name === '$limit' && second.name === '$skip' && a > b) {
    return [countSpec('$skip', b), countSpec('$limit', a - b)];
  }
  return undefined;
}

const SELECTING: ReadonlySet<string> = new Set(['$match', '$sort', '$skip', '$limit']);

/** What each document becomes does not matter to how many there are. */
function moveCount(
  first: StageSpec,
  second: StageSpec,
  before: readonly StageSpec[],
): readonly StageSpec[] | undefined {
  if (!isTransformation(first)) return undefined;
  if (second.name === '$skip') return [second, first];
  if (second.name !== '$limit') return undefined;
  // Where storage or a sort can make use of it.
  const selecting = before.filter((spec) => !isTransformation(spec));
  const isLeading = selecting.every(({ name }) => SELECTING.has(name));
  return isLeading || selecting.at(-1)?.name === '$sort' ? [second, first] : undefined;
}

/** Only the last of several orders is to be seen. */
function dropSort(first: StageSpec, second: StageSpec): readonly StageSpec[] | undefined {
  if (first.name !== '$sort' || second.name !== '$sort') return undefined;
  return hasMeta(first.operand) || hasMeta(second.operand) ? undefined : [second];
}

function hasMeta(sort: RawValue): boolean {
  return fieldsIn(sort).some(([, value]) => value.type === BSON_TYPE.object);
}
