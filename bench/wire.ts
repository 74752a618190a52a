/**
 * OP_MSG as bytes. A request is built once and only its varying bytes are patched between sends; a reply is judged by
 * walking the top level of its body, without decoding. Only this file knows offsets.
 *
 *   header: int32 length, requestID, responseTo, opCode | int32 flags | byte section kind 0 | body document | …
 */
import { inspect } from 'node:util';
import { Int32, Long, deserialize, serialize, type Document } from 'bson';

const OP_MSG = 2013;
const REQUEST_ID_AT = 4;
const RESPONSE_TO_AT = 8;
const OP_CODE_AT = 12;
const SECTION_KIND_AT = 20;
const BODY_AT = 21;
const BODY_SECTION = 0;
const DOCUMENT_SEQUENCE_SECTION = 1;

/** A decoded reply; int64 values are bigint. */
export type Reply = Document;

/** Serialized documents sent as a section of kind 1, as drivers send writes. */
export interface DocumentSequence {
  readonly name: string;
  readonly documents: readonly Uint8Array[];
}

/** A whole OP_MSG with request id 0. `body` is the command with its `$db`. */
export function buildRequest(body: Document, sequence?: DocumentSequence): Buffer {
  const parts: Uint8Array[] = [Buffer.alloc(BODY_AT), serialize(body)];
  if (sequence !== undefined) parts.push(sequenceHead(sequence), ...sequence.documents);
  const request = Buffer.concat(parts);
  request.writeInt32LE(request.length, 0);
  request.writeInt32LE(OP_MSG, OP_CODE_AT);
  return request;
}

function sequenceHead({ name, documents }: DocumentSequence): Buffer {
  const head = Buffer.alloc(1 + 4 + name.length + 1);
  const documentBytes = documents.reduce((sum, document) => sum + document.length, 0);
  head[0] = DOCUMENT_SEQUENCE_SECTION;
  head.writeInt32LE(head.length - 1 + documentBytes, 1);
  head.write(name, 5, 'latin1');
  return head;
}

export function setRequestId(request: Buffer, requestId: number): void {
  request.writeInt32LE(requestId, REQUEST_ID_AT);
}

/** Makes `reply` answer the request in `bytes`. */
export function answer(reply: Buffer, bytes: Buffer): void {
  reply.writeInt32LE(bytes.readInt32LE(REQUEST_ID_AT), RESPONSE_TO_AT);
}

// The last two bytes (0xed 0xfe) never occur in our ASCII texts and small integers, so a slot's bytes are found by search.
const SLOT_BASE = 0xfeed0000 | 0;

/** Stands in a document for the int32 that is patched in later. Slots are numbered from 0 in the order they appear. */
export const slot = (number: number): Int32 => new Int32(SLOT_BASE + number);

/** The same for an int64 whose patched values stay below 2^31: only its low half is patched. */
export const longSlot = (number: number): Long => Long.fromBits(SLOT_BASE + number, 0);

/** Offsets of slots 0…count-1 in a request. */
export function slotOffsets(request: Buffer, count: number): number[] {
  const offsets: number[] = [];
  for (let number = 0; number < count; number++) {
    const pattern = Buffer.alloc(4);
    pattern.writeInt32LE(SLOT_BASE + number);
    const offset = request.indexOf(pattern, number === 0 ? 0 : (offsets[number - 1] ?? 0) + 4);
    if (offset < 0) throw new Error(`the request has no slot ${number}`);
    offsets.push(offset);
  }
  return offsets;
}

/** A reply that is not ok: 1.0, or that carries write errors. `code` is 0 where the reply has none. */
export class ReplyError extends Error {
  readonly code: number;
  readonly reply: Reply;

  constructor(reply: Reply) {
    const detail: Document = reply['writeErrors']?.[0] ?? reply['writeConcernError'] ?? reply;
    const message: unknown = detail['errmsg'];
    super(
      typeof message === 'string'
        ? `${message} (code ${String(detail['code'])})`
        : `the reply is not ok: ${inspect(reply, { depth: 3 })}`,
    );
    this.code = Number(detail['code'] ?? 0);
    this.reply = reply;
  }
}

/** Throws unless the message is an OP_MSG with a body that answers the given request. */
export function checkAnswers(bytes: Buffer, requestId: number): void {
  if (bytes.readInt32LE(RESPONSE_TO_AT) !== requestId) {
    throw new Error(`reply to request ${bytes.readInt32LE(RESPONSE_TO_AT)}, expected one to ${requestId}`);
  }
  if (bytes.readInt32LE(OP_CODE_AT) !== OP_MSG) throw new Error(`reply with opCode ${bytes.readInt32LE(OP_CODE_AT)}`);
  if (bytes[SECTION_KIND_AT] !== BODY_SECTION) throw new Error(`reply with section kind ${bytes[SECTION_KIND_AT]}`);
}

/** int64 values come back as bigint, so that cursor ids stay exact. */
export function decodeReply(bytes: Buffer): Reply {
  const bodyBytes = bytes.readInt32LE(BODY_AT);
  return deserialize(bytes.subarray(BODY_AT, BODY_AT + bodyBytes), { useBigInt64: true });
}

/** Throws unless the decoded reply is ok: 1 without write errors. */
export function assertOk(reply: Reply): Reply {
  if (reply['ok'] !== 1 || reply['writeErrors'] || reply['writeConcernError']) throw new ReplyError(reply);
  return reply;
}

const DOUBLE = 0x01;
const INT32 = 0x10;
const LETTER_N = 0x6e;
const LETTER_O = 0x6f;
const LETTER_K = 0x6b;
const LETTER_W = 0x77;

/** What checkReply returns for a reply without a top-level int32 `n`. */
export const NO_N = -1;

/**
 * The check made on every reply, without decoding it: throws a ReplyError unless the body has ok: 1.0 (a double, as
 * MongoDB sends it) and neither writeErrors nor writeConcernError. Returns the reply's `n`, or NO_N.
 */
export function checkReply(bytes: Buffer, length: number): number {
  let ok = false;
  let n = NO_N;
  let at = BODY_AT + 4;
  while (at < length && bytes[at] !== 0) {
    const type = bytes.readUInt8(at);
    const name = at + 1;
    const value = endOfName(bytes, name, length) + 1;
    const nameLength = value - 1 - name;
    if (nameLength === 1 && bytes[name] === LETTER_N && type === INT32) {
      n = bytes.readInt32LE(value);
    } else if (nameLength === 2 && bytes[name] === LETTER_O && bytes[name + 1] === LETTER_K) {
      ok = type === DOUBLE && bytes.readDoubleLE(value) === 1;
    } else if (bytes[name] === LETTER_W && isWriteError(bytes.toString('latin1', name, value - 1))) {
      throw new ReplyError(decodeReply(bytes));
    }
    at = value + valueBytes(bytes, type, value);
  }
  if (!ok) throw new ReplyError(decodeReply(bytes));
  return n;
}

const isWriteError = (name: string): boolean => name === 'writeErrors' || name === 'writeConcernError';

/** How many documents a cursor reply's batch has, without decoding them; cursorId is 0n when the cursor is exhausted. */
export function readBatch(bytes: Buffer, length: number): { count: number; cursorId: bigint } {
  const cursor = findField(bytes, BODY_AT, 'cursor', length);
  const batch =
    cursor && (findField(bytes, cursor, 'firstBatch', length) || findField(bytes, cursor, 'nextBatch', length));
  const id = cursor && findField(bytes, cursor, 'id', length);
  if (!batch || !id) throw new ReplyError(decodeReply(bytes));
  return { count: countElements(bytes, batch, length), cursorId: bytes.readBigInt64LE(id) };
}

/** Offset of a field's value in the document at `document`, or 0: no value can stand there. */
function findField(bytes: Buffer, document: number, wanted: string, length: number): number {
  for (let at = document + 4; at < length && bytes[at] !== 0;) {
    const value = endOfName(bytes, at + 1, length) + 1;
    if (bytes.toString('latin1', at + 1, value - 1) === wanted) return value;
    at = value + valueBytes(bytes, bytes.readUInt8(at), value);
  }
  return 0;
}

function countElements(bytes: Buffer, array: number, length: number): number {
  let count = 0;
  for (let at = array + 4; at < length && bytes[at] !== 0; count++) {
    const value = endOfName(bytes, at + 1, length) + 1;
    at = value + valueBytes(bytes, bytes.readUInt8(at), value);
  }
  return count;
}

function endOfName(bytes: Buffer, from: number, length: number): number {
  let at = from;
  while (at < length && bytes[at] !== 0) at++;
  return at;
}

/** Size of a BSON value: the types that servers use in replies. */
function valueBytes(bytes: Buffer, type: number, at: number): number {
  switch (type) {
    case 0x01: // double
    case 0x09: // date
    case 0x11: // timestamp
    case 0x12: // int64
      return 8;
    case 0x10: // int32
      return 4;
    case 0x08: // bool
      return 1;
    case 0x0a: // null
      return 0;
    case 0x07: // ObjectId
      return 12;
    case 0x13: // decimal128
      return 16;
    case 0x02: // string
      return 4 + bytes.readInt32LE(at);
    case 0x03: // document
    case 0x04: // array
      return bytes.readInt32LE(at);
    case 0x05: // binary
      return 5 + bytes.readInt32LE(at);
    default:
      throw new Error(`BSON type 0x${type.toString(16)} in a reply at byte ${at}`);
  }
}
