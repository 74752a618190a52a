/**
 * `$type $isNumber $bsonSize $binarySize $tsSecond $tsIncrement $toHashedIndexKey $rand $meta`, and operators that are
 * refused.
 */
import { CommandError } from '../../base/command_error.ts';
import { uint32At } from '../../bson/bytes.ts';
import { isEmptyDocument } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { maybeStringOf, RAW_NULL, rawBool, rawDouble, rawInt32, rawInt64, rawString } from '../../bson/value.ts';
import { valueHash } from '../../bson/value_hash.ts';
import { nullableOperator, unaryOperator } from './arguments.ts';
import { isNumber, typeNameOf } from './build.ts';
import { isMetadataKind } from '../metadata.ts';
import type { ExpressionOperator } from './operator.ts';

/** Length and subtype, or length and NUL. */
const SIZED_OVERHEAD_BYTES = 5;

export const typeOperator = unaryOperator('$type', (value) => rawString(typeNameOf(value)));
export const isNumberOperator = unaryOperator('$isNumber', (value) => rawBool(isNumber(value)));

export const bsonSizeOperator = nullableOperator('$bsonSize', (value) => {
  if (value.type === BSON_TYPE.object) return rawInt32(value.end - value.start);
  throw new CommandError(31393, `$bsonSize requires a document input, found: ${typeNameOf(value)}`);
});

export const binarySizeOperator = nullableOperator('$binarySize', (value) => {
  if (value.type === BSON_TYPE.string || value.type === BSON_TYPE.binData) {
    return rawInt32(value.end - value.start - SIZED_OVERHEAD_BYTES);
  }
  throw new CommandError(51276, `$binarySize requires a string or BinData argument, found: ${typeNameOf(value)}`);
});

/** A missing value is hashed as null, as indexes list it. */
export const toHashedIndexKeyOperator = unaryOperator('$toHashedIndexKey', (value) =>
  rawInt64(valueHash(value ?? RAW_NULL)),
);

function timestampOperator(name: `$${string}`, code: number, offset: number): ExpressionOperator {
  return nullableOperator(name, (value) => {
    if (value.type === BSON_TYPE.timestamp) return rawInt64(BigInt(uint32At(value.bytes, value.start + offset)));
    throw new CommandError(code, `Argument to ${name} must be a timestamp, but is ${typeNameOf(value)}`);
  });
}

export const tsSecondOperator = timestampOperator('$tsSecond', 5687301, 4);
export const tsIncrementOperator = timestampOperator('$tsIncrement', 5687302, 0);

export const randOperator: ExpressionOperator = {
  name: '$rand',
  compile(operand, { random }) {
    const isEmpty =
      (operand.type === BSON_TYPE.object || operand.type === BSON_TYPE.array) &&
      isEmptyDocument(operand.bytes, operand.start);
    if (!isEmpty) throw new CommandError(3040501, '$rand does not currently accept arguments');
    if (random === undefined) throw new CommandError('NotImplemented', '$rand is not available here');
    return { constant: undefined, evaluate: () => rawDouble(random()) };
  },
};

const METADATA = new Set([
  'textScore',
  'randVal',
  'searchScore',
  'searchHighlights',
  'geoNearDistance',
  'geoNearPoint',
  'recordId',
  'indexKey',
  'sortKey',
  'searchScoreDetails',
  'timeseriesBucketMinTime',
  'timeseriesBucketMaxTime',
  'vectorSearchScore',
]);

/** Kinds other than those of `query/metadata.ts` are missing for every document. */
export const metaOperator: ExpressionOperator = {
  name: '$meta',
  compile(operand, { metadata }) {
    const kind = maybeStringOf(operand);
    if (kind === undefined) throw new CommandError(17307, '$meta only supports string arguments');
    if (!METADATA.has(kind)) throw new CommandError(17308, `Unsupported argument to $meta: ${kind}`);
    if (isMetadataKind(kind)) {
      metadata.ask(kind);
      return { constant: undefined, evaluate: (root) => metadata.get(root, kind) };
    }
    return { constant: undefined, evaluate: () => undefined };
  },
};

function refusedOperator(name: `$${string}`, code: number, message: string): ExpressionOperator {
  return {
    name,
    compile() {
      throw new CommandError(code, message);
    },
  };
}

const NO_SCRIPTING = 'requires server-side JavaScript, which is not part of this server';
export const functionOperator = refusedOperator('$function', 31264, `$function ${NO_SCRIPTING}`);
