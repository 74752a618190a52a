/** Frames replies. */
import { invariant } from '../base/invariant.ts';
import { writeInt32 } from '../bson/bytes.ts';
import type { BsonWriter } from '../bson/writer.ts';
import { compressMessage } from './compression.ts';
import { crc32c } from './crc32c.ts';
import { HEADER_BYTES, MSG_FLAG, OP_CODE, OP_CODE_AT, REQUEST_ID_AT, RESPONSE_TO_AT, type Message } from './message.ts';

/** Header, flags, and the kind of the only section. */
const MSG_HEAD = new Uint8Array(HEADER_BYTES + 4 + 1);
writeInt32(MSG_HEAD, OP_CODE_AT, OP_CODE.msg);

/** Header, flags, cursor id, starting from, number returned. */
const REPLY_HEAD = new Uint8Array(HEADER_BYTES + 20);
const AWAIT_CAPABLE = 8;
writeInt32(REPLY_HEAD, OP_CODE_AT, OP_CODE.reply);
writeInt32(REPLY_HEAD, HEADER_BYTES, AWAIT_CAPABLE);
writeInt32(REPLY_HEAD, HEADER_BYTES + 16, 1);

/** Begins a reply to `request`: afterwards the body's document is open. Forgets what `writer` held. */
export function openReply(writer: BsonWriter, request: Message): void {
  const head = request.opCode === OP_CODE.query ? REPLY_HEAD : MSG_HEAD;
  writer.reset().element(head, 0, head.length).startDocument();
}

/** What `frameReply` needs to know beyond the request. */
export interface ReplyFrame {
  readonly requestId: number;
  /** Another reply to the same request follows. */
  readonly moreToCome: boolean;
  /** False for hello and authentication, which are never compressed. */
  readonly mayCompress: boolean;
}

/**
 * Ends a reply begun with {@link openReply}; the document must still be open. The result is `writer`'s own buffer,
 * valid until its next call, unless the reply is compressed or has a checksum. A reply has a checksum when its request
 * had one, and is compressed when its request was.
 */
export function frameReply(writer: BsonWriter, request: Message, frame: ReplyFrame): Uint8Array {
  writer.endDocument();
  const isMsg = request.opCode !== OP_CODE.query;
  invariant(isMsg || !frame.moreToCome, 'only OP_MSG has chains of replies');
  let bytes = writer.view();
  writeInt32(bytes, 0, bytes.length);
  writeInt32(bytes, REQUEST_ID_AT, frame.requestId);
  writeInt32(bytes, RESPONSE_TO_AT, request.requestId);
  if (frame.moreToCome) bytes[HEADER_BYTES] |= MSG_FLAG.moreToCome;
  if (request.hasChecksum) bytes = withChecksum(bytes);
  return request.wasCompressed && frame.mayCompress ? compressMessage(bytes) : bytes;
}

function withChecksum(bytes: Uint8Array): Uint8Array {
  const end = bytes.length;
  const longer = new Uint8Array(end + 4);
  longer.set(bytes);
  writeInt32(longer, 0, longer.length);
  longer[HEADER_BYTES] |= MSG_FLAG.checksumPresent;
  writeInt32(longer, end, crc32c(longer, 0, end));
  return longer;
}
