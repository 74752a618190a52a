/** A filter taken apart as its explanation names it: clauses with the text they were written as. */
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { BSON_TYPE, type ValueSpan } from '../../bson/types.ts';
import { isTruthy, rawObject, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { itemsOf } from '../update/array_value.ts';

export type Clause =
  | { readonly kind: 'list'; readonly operator: '$and' | '$or' | '$nor'; readonly clauses: readonly Clause[] }
  /** `$not`, whose operators are one clause about the same path. */
  | { readonly kind: 'not'; readonly clause: Clause }
  /** An operator on a path; `filter` is the whole condition as it was written. */
  | {
      readonly kind: 'leaf';
      readonly operator: string;
      readonly path: string;
      readonly operand: RawValue;
      readonly filter: Uint8Array;
    }
  /** `$expr`, `$jsonSchema`, `$alwaysTrue`, `$alwaysFalse`. */
  | { readonly kind: 'document'; readonly operator: string; readonly operand: RawValue; readonly filter: Uint8Array };

/** The clause that a filter document is; a conjunction of all its conditions when it has several. */
export function clauseOf(filter: ValueSpan): Clause {
  const clauses: Clause[] = [];
  const reader = new ElementReader(filter.bytes, filter.start);
  while (reader.next()) {
    const name = reader.name();
    const value = reader.value();
    if (name === '$comment') continue;
    if (name === '$and' || name === '$or' || name === '$nor') {
      clauses.push({ kind: 'list', operator: name, clauses: itemsOf(value).map(clauseOf) });
    } else if (name.startsWith('$') && !DB_REF_FIELDS.has(name)) {
      clauses.push({ kind: 'document', operator: name, operand: value, filter: condition(name, value) });
    } else {
      clauses.push(...pathClauses(name, value));
    }
  }
  return listOf(clauses);
}

const DB_REF_FIELDS = new Set(['$ref', '$id', '$db']);
const OPTIONS = fieldName('$options');

function listOf(clauses: readonly Clause[]): Clause {
  return clauses.length === 1 ? clauses[0] : { kind: 'list', operator: '$and', clauses };
}

function pathClauses(path: string, value: RawValue): Clause[] {
  if (value.type === BSON_TYPE.regex) {
    return [{ kind: 'leaf', operator: '$regex', path, operand: value, filter: condition(path, value) }];
  }
  if (!isOperators(value)) {
    return [{ kind: 'leaf', operator: '$eq', path, operand: value, filter: condition(path, value) }];
  }
  const clauses: Clause[] = [];
  const reader = new ElementReader(value.bytes, value.start);
  while (reader.next()) {
    const operator = reader.name();
    if (operator === '$options') continue;
    const operand = reader.value();
    if (operator === '$not') clauses.push({ kind: 'not', clause: listOf(pathClauses(path, operand)) });
    else clauses.push({ kind: 'leaf', operator, path, operand, filter: operatorFilter(path, operator, value) });
  }
  return clauses;
}

function isOperators(value: ValueSpan): boolean {
  if (value.type !== BSON_TYPE.object) return false;
  const reader = new ElementReader(value.bytes, value.start);
  return reader.next() && reader.name().startsWith('$') && !DB_REF_FIELDS.has(reader.name());
}

function condition(name: string, value: ValueSpan): Uint8Array {
  return new BsonWriter().startDocument().value(name, value).endDocument().finish();
}

/** {path: {operator: operand}}, with what belongs to the operator. */
function operatorFilter(path: string, operator: string, operators: RawValue): Uint8Array {
  const writer = new BsonWriter().startDocument();
  const operand = findField(operators.bytes, fieldName(operator), operators.start);
  if (operand !== undefined) writer.value(operator, operand);
  const options = operator === '$regex' ? findField(operators.bytes, OPTIONS, operators.start) : undefined;
  if (options !== undefined) writer.value(OPTIONS, options);
  return condition(path, rawObject(writer.endDocument().finish()));
}

/** Whether an `$exists` clause asks for the field to be there. */
export function wantsField(operand: ValueSpan): boolean {
  return isTruthy(operand);
}
