/** Every operator of expressions. A new one is a file and a row here. */
import { ACCUMULATION_OPERATORS } from './accumulations.ts';
import { addOperator, divideOperator, modOperator, multiplyOperator, subtractOperator } from './arithmetic.ts';
import { filterOperator, mapOperator, reduceOperator } from './array_functions.ts';
import {
  arrayElemAtOperator,
  concatArraysOperator,
  firstOperator,
  inOperator,
  isArrayOperator,
  lastOperator,
  reverseArrayOperator,
  sizeOperator,
  sliceOperator,
} from './array_items.ts';
import { ARRAY_N_OPERATORS } from './array_n.ts';
import { bitAndOperator, bitNotOperator, bitOrOperator, bitXorOperator } from './bits.ts';
import { andOperator, notOperator, orOperator } from './boolean.ts';
import { cmpOperator, eqOperator, gteOperator, gtOperator, lteOperator, ltOperator, neOperator } from './comparison.ts';
import { condOperator, ifNullOperator, switchOperator } from './conditional.ts';
import { CONVERSION_OPERATORS } from './convert.ts';
import { dateFromPartsOperator } from './date_from_parts.ts';
import { dateFromStringOperator } from './date_from_string.ts';
import { DATE_PART_OPERATORS } from './date_parts.ts';
import { dateToPartsOperator, dateToStringOperator } from './date_to.ts';
import { dateAddOperator, dateDiffOperator, dateSubtractOperator, dateTruncOperator } from './date_units.ts';
import { indexOfArrayOperator, indexOfBytesOperator, indexOfCPOperator } from './index_of.ts';
import { letOperator } from './let.ts';
import { constOperator, exprOperator, literalOperator } from './literal.ts';
import {
  binarySizeOperator,
  bsonSizeOperator,
  functionOperator,
  isNumberOperator,
  metaOperator,
  randOperator,
  toHashedIndexKeyOperator,
  tsIncrementOperator,
  tsSecondOperator,
  typeOperator,
} from './misc.ts';
import {
  absOperator,
  ceilOperator,
  expOperator,
  floorOperator,
  lnOperator,
  log10Operator,
  logOperator,
  powOperator,
  sqrtOperator,
} from './numeric.ts';
import { getFieldOperator, setFieldOperator, unsetFieldOperator } from './object_fields.ts';
import { arrayToObjectOperator, mergeObjectsOperator, objectToArrayOperator } from './object_loops.ts';
import { medianOperator, percentileOperator } from './percentile.ts';
import { rangeOperator } from './range.ts';
import { regexFindAllOperator, regexFindOperator, regexMatchOperator } from './regex.ts';
import { replaceAllOperator, replaceOneOperator } from './replace.ts';
import { roundOperator, truncOperator } from './rounding.ts';
import {
  allElementsTrueOperator,
  anyElementTrueOperator,
  setDifferenceOperator,
  setEqualsOperator,
  setIntersectionOperator,
  setIsSubsetOperator,
  setUnionOperator,
} from './sets.ts';
import { sortArrayOperator } from './sort_array.ts';
import {
  concatOperator,
  splitOperator,
  strcasecmpOperator,
  strLenBytesOperator,
  strLenCPOperator,
  toLowerOperator,
  toUpperOperator,
} from './string_basics.ts';
import { substrBytes, substrCPOperator, substrOperator } from './substring.ts';
import {
  acoshOperator,
  acosOperator,
  asinhOperator,
  asinOperator,
  atan2Operator,
  atanhOperator,
  atanOperator,
  coshOperator,
  cosOperator,
  degreesToRadiansOperator,
  radiansToDegreesOperator,
  sinhOperator,
  sinOperator,
  tanhOperator,
  tanOperator,
} from './trigonometry.ts';
import { ltrimOperator, rtrimOperator, trimBothOperator } from './trim.ts';
import type { ExpressionOperator } from './operator.ts';
import { zipOperator } from './zip.ts';

const NUMBER_OPERATORS: readonly ExpressionOperator[] = [
  absOperator,
  addOperator,
  bitAndOperator,
  bitNotOperator,
  bitOrOperator,
  bitXorOperator,
  ceilOperator,
  divideOperator,
  expOperator,
  floorOperator,
  lnOperator,
  logOperator,
  log10Operator,
  medianOperator,
  modOperator,
  multiplyOperator,
  percentileOperator,
  powOperator,
  randOperator,
  roundOperator,
  sqrtOperator,
  subtractOperator,
  truncOperator,
];

const TRIGONOMETRY_OPERATORS: readonly ExpressionOperator[] = [
  acosOperator,
  acoshOperator,
  asinOperator,
  asinhOperator,
  atanOperator,
  atan2Operator,
  atanhOperator,
  cosOperator,
  coshOperator,
  degreesToRadiansOperator,
  radiansToDegreesOperator,
  sinOperator,
  sinhOperator,
  tanOperator,
  tanhOperator,
];

const LOGIC_OPERATORS: readonly ExpressionOperator[] = [
  andOperator,
  cmpOperator,
  condOperator,
  eqOperator,
  gtOperator,
  gteOperator,
  ifNullOperator,
  ltOperator,
  lteOperator,
  neOperator,
  notOperator,
  orOperator,
  switchOperator,
];

const STRING_OPERATORS: readonly ExpressionOperator[] = [
  concatOperator,
  indexOfBytesOperator,
  indexOfCPOperator,
  ltrimOperator,
  regexFindOperator,
  regexFindAllOperator,
  regexMatchOperator,
  replaceAllOperator,
  replaceOneOperator,
  rtrimOperator,
  splitOperator,
  strcasecmpOperator,
  strLenBytesOperator,
  strLenCPOperator,
  substrOperator,
  substrBytes,
  substrCPOperator,
  toLowerOperator,
  toUpperOperator,
  trimBothOperator,
];

const ARRAY_OPERATORS: readonly ExpressionOperator[] = [
  allElementsTrueOperator,
  anyElementTrueOperator,
  arrayElemAtOperator,
  arrayToObjectOperator,
  concatArraysOperator,
  filterOperator,
  firstOperator,
  inOperator,
  indexOfArrayOperator,
  isArrayOperator,
  lastOperator,
  mapOperator,
  rangeOperator,
  reduceOperator,
  reverseArrayOperator,
  setDifferenceOperator,
  setEqualsOperator,
  setIntersectionOperator,
  setIsSubsetOperator,
  setUnionOperator,
  sizeOperator,
  sliceOperator,
  sortArrayOperator,
  zipOperator,
  ...ARRAY_N_OPERATORS,
];

const OBJECT_OPERATORS: readonly ExpressionOperator[] = [
  binarySizeOperator,
  bsonSizeOperator,
  constOperator,
  functionOperator,
  getFieldOperator,
  isNumberOperator,
  letOperator,
  literalOperator,
  exprOperator,
  mergeObjectsOperator,
  metaOperator,
  objectToArrayOperator,
  setFieldOperator,
  toHashedIndexKeyOperator,
  tsIncrementOperator,
  tsSecondOperator,
  typeOperator,
  unsetFieldOperator,
  ...CONVERSION_OPERATORS,
];

const DATE_OPERATORS: readonly ExpressionOperator[] = [
  dateAddOperator,
  dateDiffOperator,
  dateFromPartsOperator,
  dateFromStringOperator,
  dateSubtractOperator,
  dateToPartsOperator,
  dateToStringOperator,
  dateTruncOperator,
  ...DATE_PART_OPERATORS,
];

export const EXPRESSION_OPERATOR_BY_NAME: ReadonlyMap<string, ExpressionOperator> = new Map(
  [
    ...NUMBER_OPERATORS,
    ...TRIGONOMETRY_OPERATORS,
    ...LOGIC_OPERATORS,
    ...STRING_OPERATORS,
    ...ARRAY_OPERATORS,
    ...OBJECT_OPERATORS,
    ...DATE_OPERATORS,
    ...ACCUMULATION_OPERATORS,
  ].map((operator) => [operator.name, operator]),
);

/** Whether MongoDB has an expression of that name. */
export function isExpressionOperator(name: string): boolean {
  return EXPRESSION_OPERATOR_BY_NAME.has(name);
}
