/** Frames requests: what one member, or a tool, sends to another. */
import { invariant } from '../base/invariant.ts';
import { MESSAGE_SIZE_BYTES_MAX } from '../base/limits.ts';
import { utf8Of, writeInt32 } from '../bson/bytes.ts';
import { HEADER_BYTES, OP_CODE, OP_CODE_AT, REQUEST_ID_AT } from './message.ts';

export interface RequestFrame {
  readonly requestId: number;
  /** Of {@link MSG_FLAG}; the checksum's is not offered. */
  readonly flags?: number;
  /** Documents beside the body. */
  readonly sequences?: readonly { readonly name: string; readonly documents: readonly Uint8Array[] }[];
}

/** One OP_MSG around `body`, a whole command document with its `$db`. */
export function frameRequest(body: Uint8Array, frame: RequestFrame): Uint8Array {
  const heads = (frame.sequences ?? []).map(({ name, documents }) => sequenceHead(name, documents));
  let size = HEADER_BYTES + 4 + 1 + body.length;
  for (const head of heads) size += head.size;
  invariant(size <= MESSAGE_SIZE_BYTES_MAX, () => `a request of ${size} bytes`);
  const bytes = new Uint8Array(size);
  writeInt32(bytes, 0, size);
  writeInt32(bytes, REQUEST_ID_AT, frame.requestId);
  writeInt32(bytes, OP_CODE_AT, OP_CODE.msg);
  writeInt32(bytes, HEADER_BYTES, frame.flags ?? 0);
  bytes.set(body, HEADER_BYTES + 5);
  let at = HEADER_BYTES + 5 + body.length;
  for (const head of heads) {
    for (const part of head.parts) {
      bytes.set(part, at);
      at += part.length;
    }
  }
  return bytes;
}

function sequenceHead(name: string, documents: readonly Uint8Array[]): { size: number; parts: Uint8Array[] } {
  const text = utf8Of(name);
  const head = new Uint8Array(1 + 4 + text.length + 1);
  let size = head.length;
  for (const document of documents) size += document.length;
  head[0] = 1;
  writeInt32(head, 1, size - 1);
  head.set(text, 5);
  return { size, parts: [head, ...documents] };
}
