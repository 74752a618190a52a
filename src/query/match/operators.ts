/** Every operator of filters. A new one is a file and a row here. */
import { allOperator } from './all_operator.ts';
import {
  bitsAllClearOperator,
  bitsAllSetOperator,
  bitsAnyClearOperator,
  bitsAnySetOperator,
} from './bits_operators.ts';
import { eqOperator, gteOperator, gtOperator, lteOperator, ltOperator, neOperator } from './comparison_operators.ts';
import { elemMatchOperator } from './elem_match_operator.ts';
import { existsOperator } from './exists_operator.ts';
import { exprOperator, sampleRateOperator } from './expr_operator.ts';
import type { DocumentOperator, FieldOperator } from './field_operator.ts';
import { inOperator, ninOperator } from './in_operator.ts';
import { jsonSchemaOperator } from './json_schema_operator.ts';
import {
  alwaysFalseOperator,
  alwaysTrueOperator,
  andOperator,
  commentOperator,
  norOperator,
  orOperator,
} from './logical_operators.ts';
import { modOperator } from './mod_operator.ts';
import { notOperator } from './not_operator.ts';
import { optionsOperator, regexOperator } from './regex_operator.ts';
import { sizeOperator } from './size_operator.ts';
import { typeOperator } from './type_operator.ts';

const FIELD_OPERATORS: readonly FieldOperator[] = [
  allOperator,
  bitsAllClearOperator,
  bitsAllSetOperator,
  bitsAnyClearOperator,
  bitsAnySetOperator,
  elemMatchOperator,
  eqOperator,
  existsOperator,
  gtOperator,
  gteOperator,
  inOperator,
  ltOperator,
  lteOperator,
  modOperator,
  neOperator,
  ninOperator,
  notOperator,
  optionsOperator,
  regexOperator,
  sizeOperator,
  typeOperator,
];

const DOCUMENT_OPERATORS: readonly DocumentOperator[] = [
  alwaysFalseOperator,
  alwaysTrueOperator,
  andOperator,
  commentOperator,
  exprOperator,
  jsonSchemaOperator,
  norOperator,
  orOperator,
  sampleRateOperator,
];

/** Operators of MongoDB that are known and not built: refused as such, not as unknown. */
export const UNBUILT_FIELD_OPERATORS: ReadonlySet<string> = new Set([
  '$geoIntersects',
  '$geoWithin',
  '$near',
  '$nearSphere',
]);

export const UNBUILT_DOCUMENT_OPERATORS: ReadonlySet<string> = new Set(['$text', '$where']);

export const FIELD_OPERATOR_BY_NAME: ReadonlyMap<string, FieldOperator> = new Map(
  FIELD_OPERATORS.map((operator) => [operator.name, operator]),
);

export const DOCUMENT_OPERATOR_BY_NAME: ReadonlyMap<string, DocumentOperator> = new Map(
  DOCUMENT_OPERATORS.map((operator) => [operator.name, operator]),
);

/** Whether MongoDB has an operator of that name below a field, built here or not. */
export function isFieldOperator(name: string): boolean {
  return FIELD_OPERATOR_BY_NAME.has(name) || UNBUILT_FIELD_OPERATORS.has(name);
}
