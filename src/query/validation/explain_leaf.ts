/** Why a single condition on a path failed. */
import { typeAlias, BSON_TYPE } from '../../bson/types.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { itemsOf } from '../update/array_value.ts';
import type { Clause } from './clauses.ts';
import { wantsField } from './clauses.ts';
import { consideredValues, writeConsidered, writeConsideredTypes, writeNames } from './considered_values.ts';
import type { Explaining } from './explaining.ts';

/** What is said of an operator: when it did not match, and when it did but should not have. */
interface Wording {
  readonly failed: string;
  readonly matched: string;
  /** Types of which at least one value must be; absent: any. */
  readonly types?: readonly number[];
  /** An array at the end of the path is looked at as a whole. */
  readonly wholeArrays?: true;
}

const NUMBERS = [BSON_TYPE.int32, BSON_TYPE.int64, BSON_TYPE.double, BSON_TYPE.decimal128];
const COMPARISON: Wording = { failed: 'comparison failed', matched: 'comparison succeeded' };
const BITS: Wording = {
  failed: 'bitwise operator failed to match',
  matched: 'bitwise operator matched successfully',
  types: [...NUMBERS, BSON_TYPE.binData],
};
const LIST: Wording = { failed: 'no matching value found in array', matched: 'matching value found in array' };

const WORDINGS: ReadonlyMap<string, Wording> = new Map<string, Wording>([
  ['$eq', COMPARISON],
  ['$ne', COMPARISON],
  ['$gt', COMPARISON],
  ['$gte', COMPARISON],
  ['$lt', COMPARISON],
  ['$lte', COMPARISON],
  ['$in', LIST],
  ['$nin', LIST],
  ['$bitsAllClear', BITS],
  ['$bitsAllSet', BITS],
  ['$bitsAnyClear', BITS],
  ['$bitsAnySet', BITS],
  [
    '$mod',
    {
      failed: '$mod did not evaluate to expected remainder',
      matched: '$mod did evaluate to expected remainder',
      types: NUMBERS,
    },
  ],
  [
    '$regex',
    {
      failed: 'regular expression did not match',
      matched: 'regular expression did match',
      types: [BSON_TYPE.string, BSON_TYPE.symbol, BSON_TYPE.regex],
    },
  ],
  [
    '$size',
    {
      failed: 'array length was not equal to given size',
      matched: 'array length was equal to given size',
      types: [BSON_TYPE.array],
      wholeArrays: true,
    },
  ],
  [
    '$elemMatch',
    {
      failed: 'array did not satisfy the child predicate',
      matched: 'array did satisfy the child predicate',
      types: [BSON_TYPE.array],
      wholeArrays: true,
    },
  ],
  [
    '$all',
    {
      failed: 'array did not contain all specified values',
      matched: 'array did contain all specified values',
      wholeArrays: true,
    },
  ],
  [
    '$geoWithin',
    {
      failed: 'none of the considered geometries were contained within the expression’s geometry',
      matched: 'at least one of considered geometries was contained within the expression’s geometry',
    },
  ],
  [
    '$geoIntersects',
    {
      failed: 'none of the considered geometries intersected the expression’s geometry',
      matched: 'at least one of considered geometries intersected the expression’s geometry',
    },
  ],
]);

/** Operators that say the opposite of another one. */
const NEGATED = new Set(['$ne', '$nin']);

type Leaf = Extract<Clause, { kind: 'leaf' }>;

export function explainLeaf(leaf: Leaf, { document, isInverted, isShort }: Explaining): Uint8Array {
  const { operator, operand, path, filter } = leaf;
  const writer = new BsonWriter().startDocument().string('operatorName', operator);
  if (!isShort) writer.document('specifiedAs', filter);
  if (operator === '$exists') {
    const isThere = isInverted === wantsField(operand);
    return writer
      .string('reason', isThere ? 'path does exist' : 'path does not exist')
      .endDocument()
      .finish();
  }
  if (operator === '$all' && itemsOf(operand).length === 0) {
    return writer.string('reason', 'expression always evaluates to false').endDocument().finish();
  }
  if (operator === '$type') return explainType(leaf, { document, isInverted, isShort }, writer);
  const wording = WORDINGS.get(operator) ?? COMPARISON;
  const considered = consideredValues(document, path, wording.wholeArrays !== true);
  const { values } = considered;
  const { types } = wording;
  if (values === undefined) writer.string('reason', 'field was missing');
  else if (types !== undefined && !values.some((value) => types.includes(value.type))) {
    writer.string('reason', 'type did not match');
    writeConsideredTypes(writer, considered);
    writeNames(writer, 'expectedType', new Set(types.map((type) => typeAlias(type))));
  } else {
    writer.string('reason', isInverted === NEGATED.has(operator) ? wording.failed : wording.matched);
  }
  if (!isShort) writeConsidered(writer, considered);
  return writer.endDocument().finish();
}

function explainType({ path }: Leaf, { document, isInverted, isShort }: Explaining, writer: BsonWriter): Uint8Array {
  const considered = consideredValues(document, path, true);
  if (considered.values === undefined) writer.string('reason', 'field was missing');
  else writer.string('reason', isInverted ? 'type did match' : 'type did not match');
  if (!isShort) writeConsidered(writer, considered);
  writeConsideredTypes(writer, considered);
  return writer.endDocument().finish();
}
