/** Stages that are short for others, written out as MongoDB runs them. */
import { BSON_TYPE } from '../../../bson/types.ts';
import { rawInt32, rawObject, rawString, stringOf, type RawValue } from '../../../bson/value.ts';
import { BsonWriter } from '../../../bson/writer.ts';
import { documentSpec, fieldsIn, type StageSpec } from '../rewrite/stage_spec.ts';

/** What the stage comes to; most are what they are. */
export function desugar(spec: StageSpec): readonly StageSpec[] {
  const { name, operand } = spec;
  switch (name) {
    case '$count':
      return counting(stringOf(operand));
    case '$sortByCount':
      return [groupBy(operand, (writer) => writeOne('count', writer)), sortBy('count', -1)];
    case '$bucket':
      return buckets(operand);
    case '$replaceWith':
      return [documentSpec('$replaceRoot', (writer) => void writer.value('newRoot', operand))];
    case '$unset':
      return [exclusion(operand)];
    case '$setWindowFields':
      return windows(spec);
    default:
      return [spec];
  }
}

function counting(name: string): readonly StageSpec[] {
  return [
    documentSpec('$group', (writer) => writeOne(name, writer.null('_id'))),
    documentSpec('$project', (writer) => void writer.bool(name, true).bool('_id', false)),
  ];
}

function writeOne(name: string, writer: BsonWriter): void {
  writer.startSubdocument(name).int32('$sum', 1).end();
}

function groupBy(id: RawValue, write: (writer: BsonWriter) => void): StageSpec {
  return documentSpec('$group', (writer) => write(writer.value('_id', id)));
}

function sortBy(path: string, direction: 1 | -1): StageSpec {
  return documentSpec('$sort', (writer) => void writer.int32(path, direction));
}

function buckets(operand: RawValue): readonly StageSpec[] {
  const fields = new Map(fieldsIn(operand));
  const value = fields.get('groupBy');
  const boundaries = fields.get('boundaries');
  if (value === undefined || boundaries === undefined) return [];
  const limits = fieldsIn(boundaries).map(([, limit]) => limit);
  const choice = new BsonWriter().startDocument().startSubdocument('$switch').startArray('branches');
  for (const [i, low] of limits.slice(0, -1).entries()) {
    choice.startSubdocument(i).startSubdocument('case').startArray('$and');
    choice.value(0, comparison('$gte', value, low)).value(1, comparison('$lt', value, limits[i + 1]));
    choice.end().end().value('then', low).end();
  }
  choice.end();
  const rest = fields.get('default');
  if (rest !== undefined) choice.value('default', rest);
  const id = rawObject(choice.end().endDocument().finish());
  const output = fields.get('output');
  const group = groupBy(id, (writer) => {
    if (output === undefined) writeOne('count', writer);
    else writer.fieldsOf(output.bytes, output.start);
  });
  return [group, sortBy('_id', 1)];
}

function comparison(operator: string, left: RawValue, right: RawValue): RawValue {
  const writer = new BsonWriter().startDocument().startArray(operator).value(0, left).value(1, right).end();
  return rawObject(writer.endDocument().finish());
}

function exclusion(operand: RawValue): StageSpec {
  const names = operand.type === BSON_TYPE.array ? fieldsIn(operand).map(([, name]) => name) : [operand];
  return documentSpec('$project', (writer) => {
    for (const name of names) writer.bool(stringOf(name), false);
  });
}

const PARTITION_FIELD = '__internal_setWindowFields_partition_key';

/** Partitions are told apart by sorting; one that is computed is made a field for that. */
function windows(spec: StageSpec): readonly StageSpec[] {
  const fields = new Map(fieldsIn(spec.operand));
  const partition = fields.get('partitionBy');
  const order = fields.get('sortBy');
  const isPath = partition?.type === BSON_TYPE.string && /^\$[^$]/.test(stringOf(partition));
  const isComputed = partition !== undefined && !isPath && partition.type !== BSON_TYPE.null;
  const path = isComputed ? PARTITION_FIELD : isPath ? stringOf(partition).slice(1) : undefined;
  const sort = documentSpec('$sort', (writer) => {
    if (path !== undefined) writer.int32(path, 1);
    for (const [name, direction] of order === undefined ? [] : fieldsIn(order)) {
      if (name !== path) writer.value(name, direction);
    }
  });
  const sorts = path === undefined && order === undefined ? [] : [sort];
  if (!isComputed) return [...sorts, spec];
  const set = documentSpec('$set', (writer) => void writer.value(PARTITION_FIELD, partition));
  const inner = documentSpec(spec.name, (writer) => {
    for (const [name, value] of fields) {
      writer.value(name, name === 'partitionBy' ? rawString(`$${PARTITION_FIELD}`) : value);
    }
  });
  return [set, ...sorts, inner, documentSpec('$project', (writer) => void writer.value(PARTITION_FIELD, rawInt32(0)))];
}
