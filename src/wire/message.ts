/**
 * MongoDB's wire protocol: bytes to messages and back, without a socket.
 *
 * - `framer.ts` cuts a stream of chunks into whole messages.
 * - `parse.ts` turns a whole message into a {@link Message}: where the body is, which documents came beside it, which
 *   flags are set. OP_MSG is what everybody speaks; OP_QUERY is understood because a driver's first hello may come in it;
 *   OP_COMPRESSED is unpacked on the way.
 * - `reply.ts` frames a reply in the form its request came in; `request.ts` frames what one member sends another.
 *
 * Bytes that are not a message throw a {@link WireError}: whoever sent them can no longer be understood, so the
 * connection is closed. Documents inside a message are checked by {@link validateSections}, whose CommandError can be
 * answered, because the next message still begins where the length says.
 *
 * Source: https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/ and the OP_MSG and OP_COMPRESSED
 * specifications.
 */

export const OP_CODE = { reply: 1, query: 2004, compressed: 2012, msg: 2013 } as const;

/** Bits of OP_MSG. A receiver must know every set bit below 16, and ignores those above that it does not know. */
export const MSG_FLAG = { checksumPresent: 1, moreToCome: 2, exhaustAllowed: 65536 } as const;

export const HEADER_BYTES = 16;

/** Offsets in the header. */
export const REQUEST_ID_AT = 4;
export const RESPONSE_TO_AT = 8;
export const OP_CODE_AT = 12;

/** Of OP_COMPRESSED. */
export const COMPRESSOR = { none: 0, snappy: 1, zlib: 2, zstd: 3 } as const;

/** The stream is not, or no longer, the protocol: close the connection. */
export class WireError extends Error {
  override get name(): string {
    return 'WireError';
  }
}

/** Documents beside the body, back to back in `bytes[start, end)`. */
export interface MessageSequence {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

export const NO_SEQUENCES: readonly MessageSequence[] = [];

/** One parsed message. Its bytes stay those that were received, or those that were unpacked. */
export class Message {
  readonly bytes: Uint8Array;
  /** Not readonly: in a chain of replies each answers the one before (see `frameReply`). */
  requestId: number;
  readonly responseTo: number;
  readonly opCode: number;
  readonly flags: number;
  /** Offset of the body document in `bytes`. */
  readonly bodyStart: number;
  readonly sequences: readonly MessageSequence[];
  /** Came in OP_COMPRESSED. */
  readonly wasCompressed: boolean;
  /** OP_QUERY's 'db.$cmd'; '' otherwise. */
  readonly queryNamespace: string;

  constructor(bytes: Uint8Array, head: MessageHead, parts: MessageParts) {
    this.bytes = bytes;
    this.requestId = head.requestId;
    this.responseTo = head.responseTo;
    this.opCode = head.opCode;
    this.wasCompressed = head.wasCompressed;
    this.flags = parts.flags;
    this.bodyStart = parts.bodyStart;
    this.sequences = parts.sequences;
    this.queryNamespace = parts.queryNamespace;
  }

  get hasChecksum(): boolean {
    return this.opCode === OP_CODE.msg && (this.flags & MSG_FLAG.checksumPresent) !== 0;
  }

  /** In a request: no reply is wanted. In a reply: another one follows. */
  get moreToCome(): boolean {
    return this.opCode === OP_CODE.msg && (this.flags & MSG_FLAG.moreToCome) !== 0;
  }

  get exhaustAllowed(): boolean {
    return this.opCode === OP_CODE.msg && (this.flags & MSG_FLAG.exhaustAllowed) !== 0;
  }
}

export interface MessageHead {
  readonly requestId: number;
  readonly responseTo: number;
  readonly opCode: number;
  readonly wasCompressed: boolean;
}

export interface MessageParts {
  readonly flags: number;
  readonly bodyStart: number;
  readonly sequences: readonly MessageSequence[];
  readonly queryNamespace: string;
}
