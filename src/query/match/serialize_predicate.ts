/** Predicate trees back to filter documents, in the normal form in which explain shows them. */
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { integerOf, rawInt64, rawString, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { LeafPredicate, Predicate } from './predicate.ts';

/** The filter document that means `predicate`; empty for the conjunction of nothing. */
export function serializePredicate(predicate: Predicate): Uint8Array {
  const writer = new BsonWriter().startDocument();
  writePredicate(predicate, writer);
  return writer.endDocument().finish();
}

function writePredicate(predicate: Predicate, writer: BsonWriter): void {
  switch (predicate.kind) {
    case 'and':
      if (predicate.children.length > 0) writeList('$and', predicate.children, writer);
      return;
    case 'or':
    case 'nor':
      writeList(`$${predicate.kind}`, predicate.children, writer);
      return;
    case 'not':
      writeNegation(predicate.child, writer);
      return;
    case 'constant':
      writer.int32(predicate.value ? '$alwaysTrue' : '$alwaysFalse', 1);
      return;
    case 'document':
      if (predicate.operand !== undefined) writer.value(predicate.operator, predicate.operand);
      return;
    default:
      writer.startSubdocument(predicate.path);
      writeConditions(predicate, writer);
      writer.end();
  }
}

function writeList(name: string, children: readonly Predicate[], writer: BsonWriter): void {
  writer.startArray(name);
  for (const [i, child] of children.entries()) {
    writer.startSubdocument(i);
    writePredicate(child, writer);
    writer.end();
  }
  writer.end();
}

/** {a: {$not: {$eq: 1}}}; what has no single path is the negation of a list of one. */
function writeNegation(child: Predicate, writer: BsonWriter): void {
  const path = solePath(child);
  if (path === undefined) {
    writeList('$nor', [child], writer);
    return;
  }
  writer.startSubdocument(path).startSubdocument('$not');
  writeOperators(child, writer);
  writer.end().end();
}

/** The path that all leaves share. */
function solePath(predicate: Predicate): string | undefined {
  switch (predicate.kind) {
    case 'and': {
      const [first, ...rest] = predicate.children.map(solePath);
      return rest.every((path) => path === first) ? first : undefined;
    }
    case 'or':
    case 'nor':
    case 'constant':
    case 'document':
      return undefined;
    case 'not':
      return solePath(predicate.child);
    default:
      return predicate.path;
  }
}

function writeOperators(predicate: Predicate, writer: BsonWriter): void {
  if (predicate.kind === 'and') {
    for (const child of predicate.children) writeOperators(child, writer);
  } else if (predicate.kind === 'not') {
    writer.startSubdocument('$not');
    writeOperators(predicate.child, writer);
    writer.end();
  } else if (isLeaf(predicate)) writeConditions(predicate, writer);
}

function isLeaf(predicate: Predicate): predicate is LeafPredicate {
  return 'path' in predicate;
}

/** The operators of one leaf, into the document of its path. */
function writeConditions(leaf: LeafPredicate, writer: BsonWriter): void {
  switch (leaf.kind) {
    case 'in':
      writer.startArray('$in');
      for (const [i, value] of leaf.values.entries()) writer.value(i, value);
      writer.end();
      return;
    case 'exists':
      writer.bool('$exists', true);
      return;
    case 'other':
      writeOther(leaf, writer);
      return;
    default:
      writer.value(`$${leaf.kind}`, leaf.value);
  }
}

function writeOther(leaf: Extract<LeafPredicate, { kind: 'other' }>, writer: BsonWriter): void {
  const { operator, operand, regex, item, types } = leaf;
  const isWhole = leaf.region !== undefined || leaf.near !== undefined;
  if (regex !== undefined) {
    writer.value('$regex', rawString(regex.pattern));
    if (regex.options !== '') writer.value('$options', rawString(regex.options));
  } else if (item !== undefined) {
    writer.startSubdocument('$elemMatch');
    if (item.isValueForm) writeOperators(item.predicate, writer);
    else writePredicate(item.predicate, writer);
    writer.end();
  } else if (operand === undefined) return;
  else if (operator === '$mod') writeWholeNumbers('$mod', operand, writer);
  else if (types !== undefined) writeItems('$type', operand, writer);
  else if (isWhole) writer.fieldsOf(operand.bytes, operand.start);
  else writer.value(operator, operand);
}

function writeWholeNumbers(name: string, list: RawValue, writer: BsonWriter): void {
  writer.startArray(name);
  const items = new ElementReader(list.bytes, list.start);
  for (let i = 0; items.next(); i++) writer.value(i, rawInt64(integerOf(items) ?? 0n));
  writer.end();
}

/** Always as a list. */
function writeItems(name: string, operand: RawValue, writer: BsonWriter): void {
  if (operand.type === BSON_TYPE.array) {
    writer.value(name, operand);
    return;
  }
  writer.startArray(name).value(0, operand).end();
}
