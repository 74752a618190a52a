/** Filter documents to predicate trees. */
import { CommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import { documentSize, ElementReader, findField } from '../../bson/elements.ts';
import { BSON_TYPE, type ValueSpan } from '../../bson/types.ts';
import { RawValue } from '../../bson/value.ts';
import type { ExpressionScope } from '../expression.ts';
import { comparison } from './comparison_operators.ts';
import type { FilterParser, Siblings } from './field_operator.ts';
import { DOCUMENT_OPERATOR_BY_NAME, FIELD_OPERATOR_BY_NAME, UNBUILT_DOCUMENT_OPERATORS } from './operators.ts';
import { conjunction, type Predicate } from './predicate.ts';
import { regexParts, regexPredicate } from './regex.ts';

const DOLLAR = 0x24;

/** The parts of a DBRef, which are fields although they begin with a dollar sign. */
const DB_REF_FIELDS = new Set(['$ref', '$id', '$db']);

/** The tree keeps views into `filter`, which must not change. */
export function parseFilter(filter: Uint8Array, scope: ExpressionScope, isUpsert = false): Predicate {
  return filterParser(scope, isUpsert).filter(filter, 0, true);
}

/** What operators with filters inside them are given. */
export function filterParser(scope: ExpressionScope, isUpsert = false): FilterParser {
  const parser: FilterParser = {
    scope,
    isUpsert,
    filter: (bytes, at, isTopLevel) => parseDocument(parser, bytes, at, isTopLevel),
    operators: (path, bytes, at) => parseOperators(parser, path, bytes, at),
    isOperatorDocument,
    isDocumentOperator: (name) => DOCUMENT_OPERATOR_BY_NAME.has(name) || UNBUILT_DOCUMENT_OPERATORS.has(name),
  };
  return parser;
}

function parseDocument(parser: FilterParser, bytes: Uint8Array, at: number, isTopLevel: boolean): Predicate {
  const children: Predicate[] = [];
  const reader = new ElementReader(bytes, at);
  while (reader.next()) {
    const name = reader.name();
    if (name.startsWith('$') && !DB_REF_FIELDS.has(name)) {
      const child = parseDocumentOperator(parser, name, reader, isTopLevel);
      if (child !== undefined) children.push(child);
    } else if (isOperatorDocument(reader)) {
      for (const child of parseOperators(parser, name, bytes, reader.start)) children.push(child);
    } else if (reader.type === BSON_TYPE.regex) {
      children.push(regexPredicate(name, regexParts(reader), parser.scope));
    } else {
      children.push(comparison('eq', name, reader.value(), parser.scope.order));
    }
  }
  return conjunction(children);
}

function parseDocumentOperator(
  parser: FilterParser,
  name: string,
  reader: ElementReader,
  isTopLevel: boolean,
): Predicate | undefined {
  const operator = DOCUMENT_OPERATOR_BY_NAME.get(name);
  if (operator !== undefined) return operator.parse(reader.value(), parser, isTopLevel);
  if (UNBUILT_DOCUMENT_OPERATORS.has(name)) throw new CommandError('NotImplemented', `${name} is not implemented`);
  throw new CommandError(
    'BadValue',
    `unknown top level operator: ${name}. If you have a field name that starts with a '$' symbol, ` +
      'consider using $getField or $setField.',
  );
}

function parseOperators(parser: FilterParser, path: string, bytes: Uint8Array, at: number): Predicate[] {
  const children: Predicate[] = [];
  const siblings: Siblings = (name) => findField(bytes, fieldName(name), at);
  const reader = new ElementReader(bytes, at);
  while (reader.next()) {
    const name = reader.name();
    const operator = FIELD_OPERATOR_BY_NAME.get(name);
    if (operator === undefined) throw unknownOperator(name);
    if (operator.takesAll === true) {
      return [
        operator.parse(path, new RawValue(BSON_TYPE.object, bytes, at, at + documentSize(bytes, at)), parser, siblings),
      ];
    }
    children.push(operator.parse(path, reader.value(), parser, siblings));
  }
  return children;
}

function unknownOperator(name: string): CommandError {
  return new CommandError('BadValue', `unknown operator: ${name}`);
}

/** Decided by the first field, so {a: 1, $gt: 0} is a literal and {$gt: 0, a: 1} an error. */
function isOperatorDocument(value: ValueSpan): boolean {
  if (value.type !== BSON_TYPE.object) return false;
  const nameStart = value.start + 5;
  if (value.bytes[value.start + 4] === 0 || value.bytes[nameStart] !== DOLLAR) return false;
  return !isDbRef(value);
}

function isDbRef(value: ValueSpan): boolean {
  const names = new Set<string>();
  const reader = new ElementReader(value.bytes, value.start);
  while (reader.next()) names.add(reader.name());
  return names.has('$ref') && names.has('$id');
}
