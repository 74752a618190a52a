/** One stage of a pipeline in the form in which explain shows it. */
import { BSON_TYPE, isNumericType } from '../../../bson/types.ts';
import {
  isTruthy,
  maybeStringOf,
  numberOf,
  rawBool,
  rawInt32,
  rawObject,
  rawString,
  stringOf,
  type RawValue,
} from '../../../bson/value.ts';
import { BsonWriter } from '../../../bson/writer.ts';
import { serializeExpression } from '../../expression/serialize_expression.ts';
import type { ExpressionScope } from '../../expression.ts';
import { normalizePredicate } from '../../match/normalize_predicate.ts';
import { serializePredicate } from '../../match/serialize_predicate.ts';
import { compileFilter } from '../../matcher.ts';
import { rewritePipeline } from '../rewrite/rewrite_pipeline.ts';
import { fieldsIn, type StageSpec } from '../rewrite/stage_spec.ts';
import { stagesIn, type ExplainedStage } from './explained_stages.ts';

/** What stages are shown in. */
export interface StageSurroundings {
  readonly scope: ExpressionScope;
  readonly db: string;
}

const SHOWN_NAMES: ReadonlyMap<string, string> = new Map([
  ['$setWindowFields', '$_internalSetWindowFields'],
  ['$densify', '$_internalDensify'],
]);

/** Writes `{$name: …}`; the document stays open for what the stage counted. Not for `$facet` and `$unionWith`. */
export function writeExplainedStage(entry: ExplainedStage, around: StageSurroundings, writer: BsonWriter): void {
  const { name } = entry.spec;
  writer.value(SHOWN_NAMES.get(name) ?? name, shownOperand(entry, around));
}

function shownOperand(entry: ExplainedStage, around: StageSurroundings): RawValue {
  const { spec } = entry;
  const { scope } = around;
  const { operand } = spec;
  switch (spec.name) {
    case '$match':
      return shownFilter(operand, scope);
    case '$sort':
      return shownSort(entry);
    case '$skip':
    case '$limit':
      return longOf(numberOf(operand));
    case '$project':
      return shownProjection(operand, scope);
    case '$set':
    case '$addFields':
      return shownAdditions(operand, scope);
    case '$group':
      return shownGroup(operand, scope);
    case '$groupByDistinctScan':
      return documentOf((writer) => void writer.value('newRoot', shownAdditions(operand, scope)));
    case '$bucketAuto':
      return shownBuckets(operand, scope);
    case '$replaceRoot':
      return documentOf((writer) => writeExpressions(operand, scope, writer));
    case '$redact':
      return serializeExpression(operand, scope);
    case '$unwind':
      return shownUnwind(operand);
    case '$lookup':
      return shownLookup(entry, scope);
    case '$graphLookup':
      return shownGraph(operand, scope);
    case '$out':
      return shownOut(operand, around.db);
    case '$merge':
      return shownMerge(operand, around);
    case '$setWindowFields':
      return shownWindows(operand, scope);
    default:
      return operand;
  }
}

function documentOf(write: (writer: BsonWriter) => void): RawValue {
  const writer = new BsonWriter().startDocument();
  write(writer);
  return rawObject(writer.endDocument().finish());
}

function longOf(count: number): RawValue {
  const writer = new BsonWriter().startDocument().int64('', count).endDocument().finish();
  return fieldsIn(rawObject(writer))[0][1];
}

function shownFilter(filter: RawValue, scope: ExpressionScope): RawValue {
  const { predicate } = compileFilter(filter.bytes.slice(filter.start, filter.end), scope);
  return rawObject(serializePredicate(normalizePredicate(predicate)));
}

function shownSort({ spec, limit }: ExplainedStage): RawValue {
  return documentOf((writer) => {
    writer.startSubdocument('sortKey');
    for (const [i, [path, value]] of fieldsIn(spec.operand).entries()) {
      // What is no field has a name made up for it.
      writer.value(value.type === BSON_TYPE.object ? `$computed${i}` : path, value);
    }
    writer.end();
    if (limit !== undefined) writer.int64('limit', limit);
  });
}

function isFlag({ type }: RawValue): boolean {
  return type === BSON_TYPE.bool || isNumericType(type);
}

/** A path of names with what is said of it; paths that begin alike share a document. */
class PathTree {
  readonly #children = new Map<string, PathTree | RawValue>();

  add([first = '', ...rest]: readonly string[], value: RawValue): void {
    if (rest.length === 0) {
      this.#children.set(first, value);
      return;
    }
    const found = this.#children.get(first);
    const child = found instanceof PathTree ? found : new PathTree();
    this.#children.set(first, child);
    child.add(rest, value);
  }

  write(writer: BsonWriter): void {
    for (const [name, child] of this.#children) {
      if (!(child instanceof PathTree)) {
        writer.value(name, child);
        continue;
      }
      writer.startSubdocument(name);
      child.write(writer);
      writer.end();
    }
  }
}

/** What is kept or dropped comes before what is computed; `_id` is always said, first when it is kept by inclusion. */
export function shownProjection(operand: RawValue, scope: ExpressionScope): RawValue {
  const plain: [string[], RawValue][] = [];
  const computed: [string[], RawValue][] = [];
  collect(operand, [], (path, value) => {
    if (isFlag(value)) plain.push([path, rawBool(isTruthy(value))]);
    else computed.push([path, serializeExpression(value, scope)]);
  });
  const id = plain.find(([path]) => path.join('.') === '_id')?.[1];
  const others = plain.filter(([path]) => path.join('.') !== '_id');
  const isExclusion = computed.length === 0 && !others.some(([, value]) => isTruthy(value)) && !(id && isTruthy(id));
  const namesId = computed.some(([path]) => path[0] === '_id') || others.some(([path]) => path[0] === '_id');
  const keepsId = id === undefined || isTruthy(id);
  return documentOf((writer) => {
    const tree = new PathTree();
    if (!isExclusion && keepsId && !namesId) tree.add(['_id'], rawBool(true));
    for (const [path, value] of [...others, ...computed]) tree.add(path, value);
    tree.write(writer);
    if (!keepsId || (isExclusion && !namesId)) writer.bool('_id', keepsId);
  });
}

function shownAdditions(operand: RawValue, scope: ExpressionScope): RawValue {
  const tree = new PathTree();
  collect(operand, [], (path, value) => tree.add(path, serializeExpression(value, scope)));
  return documentOf((writer) => tree.write(writer));
}

/** Every leaf of a specification whose documents go deeper unless they are operators. */
function collect(document: RawValue, above: readonly string[], take: (path: string[], value: RawValue) => void): void {
  for (const [name, value] of fieldsIn(document)) {
    const path = [...above, ...name.split('.')];
    const inner = value.type === BSON_TYPE.object ? fieldsIn(value) : [];
    if (inner.length > 0 && !inner[0][0].startsWith('$')) collect(value, path, take);
    else take(path, value);
  }
}

function writeExpressions(document: RawValue, scope: ExpressionScope, writer: BsonWriter): void {
  for (const [name, value] of fieldsIn(document)) writer.value(name, serializeExpression(value, scope));
}

function shownGroup(operand: RawValue, scope: ExpressionScope): RawValue {
  return documentOf((writer) => {
    for (const [name, value] of fieldsIn(operand)) if (name === '_id') writer.value('_id', shownId(value, scope));
    for (const [name, value] of fieldsIn(operand)) {
      if (name !== '_id') writer.value(name, shownAccumulator(value, scope));
    }
  });
}

/** The parts of a document are shown one by one, also those that are constant. */
function shownId(id: RawValue, scope: ExpressionScope): RawValue {
  const parts = id.type === BSON_TYPE.object ? fieldsIn(id) : [];
  if (parts.length === 0 || parts[0][0].startsWith('$')) return serializeExpression(id, scope);
  return documentOf((writer) => writeExpressions(id, scope, writer));
}

/** Operators whose operand is a document of operands by name. */
const NAMED: ReadonlySet<string> = new Set([
  '$top',
  '$topN',
  '$bottom',
  '$bottomN',
  '$firstN',
  '$lastN',
  '$maxN',
  '$minN',
  '$median',
  '$percentile',
]);
const PLAIN_OPERANDS: ReadonlySet<string> = new Set(['sortBy', 'method']);

function shownAccumulator(accumulator: RawValue, scope: ExpressionScope): RawValue {
  const [[operator, operand]] = fieldsIn(accumulator);
  return documentOf((writer) => {
    if (operator === '$count') writer.value('$sum', serializeExpression(rawInt32(1), scope));
    else if (NAMED.has(operator)) {
      writer.startSubdocument(operator);
      for (const [name, value] of fieldsIn(operand)) {
        writer.value(name, PLAIN_OPERANDS.has(name) ? value : serializeExpression(value, scope));
      }
      writer.end();
    } else writer.value(operator, serializeExpression(operand, scope));
  });
}

function shownBuckets(operand: RawValue, scope: ExpressionScope): RawValue {
  const fields = new Map(fieldsIn(operand));
  return documentOf((writer) => {
    const groupBy = fields.get('groupBy');
    if (groupBy !== undefined) writer.value('groupBy', serializeExpression(groupBy, scope));
    const buckets = fields.get('buckets');
    if (buckets !== undefined) writer.int32('buckets', numberOf(buckets));
    const granularity = fields.get('granularity');
    if (granularity !== undefined) writer.value('granularity', granularity);
    writer.startSubdocument('output');
    const output = fields.get('output');
    const count = documentOf((inner) => void inner.int32('$sum', 1));
    const accumulators = output === undefined ? [['count', count] as const] : fieldsIn(output);
    for (const [name, value] of accumulators) writer.value(name, shownAccumulator(value, scope));
    writer.end();
  });
}

function shownUnwind(operand: RawValue): RawValue {
  if (operand.type === BSON_TYPE.string) return documentOf((writer) => void writer.value('path', operand));
  return documentOf((writer) =>
    writeFields(operand, ['path', 'preserveNullAndEmptyArrays', 'includeArrayIndex'], writer),
  );
}

/** Those of the fields that are there, in this order; what is false is left out. */
function writeFields(document: RawValue, names: readonly string[], writer: BsonWriter): void {
  const fields = new Map(fieldsIn(document));
  for (const name of names) {
    const value = fields.get(name);
    if (value !== undefined && !(value.type === BSON_TYPE.bool && !isTruthy(value))) writer.value(name, value);
  }
}

function shownLookup({ spec, absorbed }: ExplainedStage, scope: ExpressionScope): RawValue {
  const fields = new Map(fieldsIn(spec.operand));
  return documentOf((writer) => {
    writeFields(spec.operand, ['from', 'as', 'localField', 'foreignField'], writer);
    const pipeline = fields.get('pipeline');
    const variables = fields.get('let');
    if (pipeline !== undefined) {
      writer.startSubdocument('let');
      if (variables !== undefined) writeExpressions(variables, scope, writer);
      writer.end().startArray('pipeline');
      for (const [i, stage] of rewritePipeline(stagesIn(pipeline)).entries()) writer.document(i, stage);
      writer.end();
    }
    for (const one of absorbed) {
      if (one.name === '$unwind') writer.value('unwinding', shownUnwinding(one.operand));
      else writer.value('matching', shownJoined(one, spec, scope));
    }
  });
}

/** The joined documents are what the paths start from. */
function shownJoined({ operand }: StageSpec, lookup: StageSpec, scope: ExpressionScope): RawValue {
  const as = maybeStringOf(new Map(fieldsIn(lookup.operand)).get('as') ?? rawString('')) ?? '';
  const inner = documentOf((writer) => {
    for (const [name, value] of fieldsIn(operand)) writer.value(name.slice(as.length + 1), value);
  });
  return shownFilter(inner, scope);
}

function shownUnwinding(operand: RawValue): RawValue {
  const fields = operand.type === BSON_TYPE.object ? new Map(fieldsIn(operand)) : new Map<string, RawValue>();
  const preserves = fields.get('preserveNullAndEmptyArrays');
  const index = fields.get('includeArrayIndex');
  return documentOf((writer) => {
    writer.bool('preserveNullAndEmptyArrays', preserves !== undefined && isTruthy(preserves));
    if (index !== undefined) writer.value('includeArrayIndex', index);
  });
}

function shownGraph(operand: RawValue, scope: ExpressionScope): RawValue {
  const fields = new Map(fieldsIn(operand));
  return documentOf((writer) => {
    writeFields(operand, ['from', 'as', 'connectToField', 'connectFromField'], writer);
    const startWith = fields.get('startWith');
    if (startWith !== undefined) writer.value('startWith', serializeExpression(startWith, scope));
    writeFields(operand, ['depthField'], writer);
    const depth = fields.get('maxDepth');
    if (depth !== undefined) writer.value('maxDepth', longOf(numberOf(depth)));
    writeFields(operand, ['restrictSearchWithMatch'], writer);
  });
}

function shownOut(operand: RawValue, db: string): RawValue {
  if (operand.type !== BSON_TYPE.string) {
    return documentOf((writer) => writeFields(operand, ['coll', 'db'], writer));
  }
  return documentOf((writer) => void writer.string('coll', stringOf(operand)).string('db', db));
}

function shownMerge(operand: RawValue, { db, scope }: StageSurroundings): RawValue {
  const fields = operand.type === BSON_TYPE.string ? new Map<string, RawValue>() : new Map(fieldsIn(operand));
  const into = operand.type === BSON_TYPE.string ? operand : fields.get('into');
  const target = into?.type === BSON_TYPE.object ? new Map(fieldsIn(into)) : new Map([['coll', into]]);
  const on = fields.get('on');
  const keys = on?.type === BSON_TYPE.array ? fieldsIn(on).map(([, key]) => key) : [on ?? rawString('_id')];
  return documentOf((writer) => {
    writer.startSubdocument('into').value('db', target.get('db') ?? rawString(db));
    const collection = target.get('coll');
    if (collection !== undefined) writer.value('coll', collection);
    writer.end();
    const [only] = keys;
    if (keys.length === 1) writer.value('on', only);
    else if (on !== undefined) writer.value('on', on);
    const variables = fields.get('let');
    if (variables !== undefined) {
      writer.startSubdocument('let');
      writeExpressions(variables, scope, writer);
      writer.end();
    }
    writer.value('whenMatched', fields.get('whenMatched') ?? rawString('merge'));
    writer.value('whenNotMatched', fields.get('whenNotMatched') ?? rawString('insert'));
  });
}

function shownWindows(operand: RawValue, scope: ExpressionScope): RawValue {
  const fields = new Map(fieldsIn(operand));
  return documentOf((writer) => {
    const partition = fields.get('partitionBy');
    if (partition !== undefined) writer.value('partitionBy', serializeExpression(partition, scope));
    writeFields(operand, ['sortBy'], writer);
    writer.startSubdocument('output');
    const output = fields.get('output');
    for (const [name, field] of output === undefined ? [] : fieldsIn(output)) {
      writer.startSubdocument(name);
      for (const [key, value] of fieldsIn(field)) writer.value(key, shownWindowPart(key, value, scope));
      writer.end();
    }
    writer.end();
  });
}

/** Operators whose operand is a document of options. */
const OPTION_OPERATORS: ReadonlySet<string> = new Set(['$rank', '$denseRank', '$documentNumber', '$count']);

function shownWindowPart(key: string, value: RawValue, scope: ExpressionScope): RawValue {
  if (!key.startsWith('$') || OPTION_OPERATORS.has(key)) return value;
  const isOptions = value.type === BSON_TYPE.object && !(fieldsIn(value)[0]?.[0].startsWith('$') ?? false);
  return isOptions ? value : serializeExpression(value, scope);
}
