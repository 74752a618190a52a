/** How the size of a value follows from its type. One table, so that skipping a value is a look-up and an addition. */
import { BSON_TYPE } from './types.ts';

/**
 * By type byte. 0 and up: the size in bytes. Below: the value starts with an int32 length, and its size is that length
 * and -1 - x more bytes. {@link TEXTS_FORM}: two texts that end with NUL, also for bytes that are no type.
 */
export const VALUE_SIZES: Int8Array = new Int8Array(256);

export const TEXTS_FORM = -128;
/** The length is that of the whole value. */
export const DOCUMENT_FORM = -1;
/** The length leaves itself out. */
export const STRING_FORM = -5;
/** The length leaves itself and the subtype out. */
export const BINARY_FORM = -6;
/** The length leaves itself and the ObjectId out. */
export const DB_POINTER_FORM = -17;

VALUE_SIZES.fill(TEXTS_FORM);
VALUE_SIZES[BSON_TYPE.double] = 8;
VALUE_SIZES[BSON_TYPE.string] = STRING_FORM;
VALUE_SIZES[BSON_TYPE.object] = DOCUMENT_FORM;
VALUE_SIZES[BSON_TYPE.array] = DOCUMENT_FORM;
VALUE_SIZES[BSON_TYPE.binData] = BINARY_FORM;
VALUE_SIZES[BSON_TYPE.undefined] = 0;
VALUE_SIZES[BSON_TYPE.objectId] = 12;
VALUE_SIZES[BSON_TYPE.bool] = 1;
VALUE_SIZES[BSON_TYPE.date] = 8;
VALUE_SIZES[BSON_TYPE.null] = 0;
VALUE_SIZES[BSON_TYPE.regex] = TEXTS_FORM;
VALUE_SIZES[BSON_TYPE.dbPointer] = DB_POINTER_FORM;
VALUE_SIZES[BSON_TYPE.javascript] = STRING_FORM;
VALUE_SIZES[BSON_TYPE.symbol] = STRING_FORM;
VALUE_SIZES[BSON_TYPE.javascriptWithScope] = DOCUMENT_FORM;
VALUE_SIZES[BSON_TYPE.int32] = 4;
VALUE_SIZES[BSON_TYPE.timestamp] = 8;
VALUE_SIZES[BSON_TYPE.int64] = 8;
VALUE_SIZES[BSON_TYPE.decimal128] = 16;
VALUE_SIZES[BSON_TYPE.maxKey] = 0;
VALUE_SIZES[BSON_TYPE.minKey] = 0;
