/** OP_COMPRESSED with zlib. Source: the OP_COMPRESSED specification. */
import { deflateSync, inflateSync } from 'node:zlib';
import { MESSAGE_SIZE_BYTES_MAX } from '../base/limits.ts';
import { int32At, writeInt32 } from '../bson/bytes.ts';
import { COMPRESSOR, HEADER_BYTES, OP_CODE, OP_CODE_AT, WireError } from './message.ts';

const UNCOMPRESSED_SIZE_AT = HEADER_BYTES + 4;
const COMPRESSOR_AT = HEADER_BYTES + 8;
const DATA_AT = HEADER_BYTES + 9;

/** The message inside, with a header of its own. Throws WireError. */
export function decompressMessage(bytes: Uint8Array): Uint8Array {
  if (bytes.length < DATA_AT) throw new WireError('a compressed message without its head');
  const opCode = int32At(bytes, HEADER_BYTES);
  if (opCode === OP_CODE.compressed) throw new WireError('a compressed message inside another');
  const size = int32At(bytes, UNCOMPRESSED_SIZE_AT);
  if (size < 0 || size > MESSAGE_SIZE_BYTES_MAX - HEADER_BYTES)
    throw new WireError(`compressed message of ${size} bytes`);
  const content = decompress(bytes[COMPRESSOR_AT], bytes.subarray(DATA_AT), size);
  if (content.length !== size) throw new WireError(`a compressed message of ${content.length} bytes announced ${size}`);
  const message = new Uint8Array(HEADER_BYTES + size);
  message.set(bytes.subarray(0, HEADER_BYTES));
  writeInt32(message, 0, message.length);
  writeInt32(message, OP_CODE_AT, opCode);
  message.set(content, HEADER_BYTES);
  return message;
}

function decompress(compressor: number, data: Uint8Array, size: number): Uint8Array {
  if (compressor === COMPRESSOR.none) return data;
  if (compressor !== COMPRESSOR.zlib) throw new WireError(`compressor ${compressor} was not agreed on`);
  try {
    return inflateSync(data, { maxOutputLength: Math.max(size, 1) });
  } catch (cause) {
    throw new WireError('a compressed message that zlib cannot read', { cause });
  }
}

/** Packs a whole message. */
export function compressMessage(message: Uint8Array): Uint8Array {
  const data = deflateSync(message.subarray(HEADER_BYTES));
  const packed = new Uint8Array(DATA_AT + data.length);
  packed.set(message.subarray(0, HEADER_BYTES));
  writeInt32(packed, 0, packed.length);
  writeInt32(packed, OP_CODE_AT, OP_CODE.compressed);
  writeInt32(packed, HEADER_BYTES, int32At(message, OP_CODE_AT));
  writeInt32(packed, UNCOMPRESSED_SIZE_AT, message.length - HEADER_BYTES);
  packed[COMPRESSOR_AT] = COMPRESSOR.zlib;
  packed.set(data, DATA_AT);
  return packed;
}
