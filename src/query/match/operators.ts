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
import {
  geoIntersectsOperator,
  geoNearOperator,
  geoWithinOperator,
  nearOperator,
  nearSphereOperator,
  withinOperator,
} from './geo_operators.ts';
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
import { textOperator } from './text_operator.ts';
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
  geoIntersectsOperator,
  geoNearOperator,
  geoWithinOperator,
  gtOperator,
  gteOperator,
  inOperator,
  ltOperator,
  lteOperator,
  modOperator,
  nearOperator,
  nearSphereOperator,
  neOperator,
  ninOperator,
  notOperator,
  optionsOperator,
  regexOperator,
  sizeOperator,
  typeOperator,
  withinOperator,
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
  textOperator,
];

/** Operators of MongoDB that are known and not built: refused as such, not as unknown. */
export const UNBUILT_DOCUMENT_OPERATORS: ReadonlySet<string> = new Set(['$where']);

export const FIELD_OPERATOR_BY_NAME: ReadonlyMap<string, FieldOperator> = new Map(
  FIELD_OPERATORS.map((operator) => [operator.name, operator]),
);

export const DOCUMENT_OPERATOR_BY_NAME: ReadonlyMap<string, DocumentOperator> = new Map(
  DOCUMENT_OPERATORS.map((operator) => [operator.name, operator]),
);

/** Whether there is an operator of that name below a field. */
export function isFieldOperator(name: string): boolean {
  return FIELD_OPERATOR_BY_NAME.has(name);
}
