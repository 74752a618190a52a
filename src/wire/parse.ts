/** Whole messages to {@link Message}. */
import { MESSAGE_SEQUENCES_MAX } from '../base/limits.ts';
import { int32At, textOf } from '../bson/bytes.ts';
import { EMPTY_DOCUMENT_SIZE_BYTES } from '../bson/elements.ts';
import { validateDocument } from '../bson/validate.ts';
import { decompressMessage } from './compression.ts';
import { crc32c } from './crc32c.ts';
import {
  HEADER_BYTES,
  Message,
  MSG_FLAG,
  NO_SEQUENCES,
  OP_CODE,
  OP_CODE_AT,
  REQUEST_ID_AT,
  RESPONSE_TO_AT,
  WireError,
  type MessageHead,
  type MessageParts,
  type MessageSequence,
} from './message.ts';

const BODY_SECTION = 0;
const SEQUENCE_SECTION = 1;
const CHECKSUM_BYTES = 4;

/** Flags a receiver must understand: an unknown one of them makes the message unreadable. */
const REQUIRED_FLAGS = 0xffff;
const KNOWN_FLAGS = MSG_FLAG.checksumPresent | MSG_FLAG.moreToCome | MSG_FLAG.exhaustAllowed;

/** `bytes` is one whole message, as the framer hands it out. Throws WireError and nothing else. */
export function parseMessage(bytes: Uint8Array): Message {
  if (bytes.length < HEADER_BYTES) throw new WireError('a message without a header');
  const opCode = int32At(bytes, OP_CODE_AT);
  if (opCode === OP_CODE.compressed) return parseKnown(decompressMessage(bytes), true);
  return parseKnown(bytes, false);
}

function parseKnown(bytes: Uint8Array, wasCompressed: boolean): Message {
  const head: MessageHead = {
    requestId: int32At(bytes, REQUEST_ID_AT),
    responseTo: int32At(bytes, RESPONSE_TO_AT),
    opCode: int32At(bytes, OP_CODE_AT),
    wasCompressed,
  };
  switch (head.opCode) {
    case OP_CODE.msg:
      return new Message(bytes, head, partsOfMsg(bytes));
    case OP_CODE.query:
      return new Message(bytes, head, partsOfQuery(bytes));
    case OP_CODE.reply:
      return new Message(bytes, head, partsOfReply(bytes));
    default:
      throw new WireError(`operation code ${head.opCode} is not understood`);
  }
}

function partsOfMsg(bytes: Uint8Array): MessageParts {
  if (bytes.length < HEADER_BYTES + 4) throw new WireError('a message without flags');
  const flags = int32At(bytes, HEADER_BYTES);
  const unknown = flags & REQUIRED_FLAGS & ~KNOWN_FLAGS;
  if (unknown !== 0) throw new WireError(`unknown required flags ${unknown.toString(2)}`);
  const end = (flags & MSG_FLAG.checksumPresent) === 0 ? bytes.length : endBeforeChecksum(bytes);
  let bodyStart = 0;
  let sequences: MessageSequence[] | undefined;
  let at = HEADER_BYTES + 4;
  while (at < end) {
    const kind = bytes[at];
    const size = sizedPart(bytes, at + 1, end);
    if (kind === BODY_SECTION) {
      if (bodyStart !== 0) throw new WireError('a message with two bodies');
      if (size < EMPTY_DOCUMENT_SIZE_BYTES) throw new WireError('a body without a document');
      bodyStart = at + 1;
    } else if (kind === SEQUENCE_SECTION) {
      sequences ??= [];
      if (sequences.length === MESSAGE_SEQUENCES_MAX) throw new WireError('too many document sequences');
      sequences.push(sequenceAt(bytes, at + 1, at + 1 + size, sequences));
    } else {
      throw new WireError(`a section of kind ${kind}`);
    }
    at += 1 + size;
  }
  if (bodyStart === 0) throw new WireError('a message without a body');
  return { flags, bodyStart, sequences: sequences ?? NO_SEQUENCES, queryNamespace: '' };
}

function endBeforeChecksum(bytes: Uint8Array): number {
  const end = bytes.length - CHECKSUM_BYTES;
  if (end < HEADER_BYTES + 4) throw new WireError('a message without its checksum');
  if (int32At(bytes, end) !== crc32c(bytes, 0, end)) throw new WireError('the checksum of a message does not match');
  return end;
}

/** The length prefix at `at`, checked against what is left before `end`. */
function sizedPart(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < 4) throw new WireError('a section without a length');
  const size = int32At(bytes, at);
  if (size < 4 || size > end - at) throw new WireError(`a section of ${size} bytes in ${end - at}`);
  return size;
}

/** The sequence whose length prefix is at `at`; the documents' own lengths must fill it exactly. */
function sequenceAt(bytes: Uint8Array, at: number, end: number, others: readonly MessageSequence[]): MessageSequence {
  const nameEnd = bytes.indexOf(0, at + 4);
  if (nameEnd < 0 || nameEnd >= end) throw new WireError('a document sequence without a name');
  const name = textOf(bytes, at + 4, nameEnd);
  for (const other of others) {
    if (other.name === name) throw new WireError(`two document sequences called ${name}`);
  }
  const start = nameEnd + 1;
  let next = start;
  while (next < end) next += sizedDocument(bytes, next, end);
  return { name, bytes, start, end };
}

function sizedDocument(bytes: Uint8Array, at: number, end: number): number {
  const size = sizedPart(bytes, at, end);
  if (size < EMPTY_DOCUMENT_SIZE_BYTES) throw new WireError(`a document of ${size} bytes`);
  return size;
}

/** OP_QUERY: int32 flags, the namespace, int32 skip, int32 limit, the query, and a projection that nobody sends. */
function partsOfQuery(bytes: Uint8Array): MessageParts {
  if (bytes.length < HEADER_BYTES + 4) throw new WireError('a query without flags');
  const nameEnd = bytes.indexOf(0, HEADER_BYTES + 4);
  if (nameEnd < 0) throw new WireError('a query without a namespace');
  const bodyStart = nameEnd + 9;
  sizedDocument(bytes, bodyStart, bytes.length);
  return {
    flags: int32At(bytes, HEADER_BYTES),
    bodyStart,
    sequences: NO_SEQUENCES,
    queryNamespace: textOf(bytes, HEADER_BYTES + 4, nameEnd),
  };
}

/** OP_REPLY: int32 flags, int64 cursor id, int32 starting from, int32 number returned, the documents. */
function partsOfReply(bytes: Uint8Array): MessageParts {
  const bodyStart = HEADER_BYTES + 20;
  sizedDocument(bytes, bodyStart, bytes.length);
  return { flags: int32At(bytes, HEADER_BYTES), bodyStart, sequences: NO_SEQUENCES, queryNamespace: '' };
}

/** Checks that body and sequences are BSON. Throws CommandError. */
export function validateSections(message: Message): void {
  validateBody(message);
  new SequenceCheck(message.sequences).advance(Infinity);
}

/** Checks that the body is BSON. Throws CommandError. */
export function validateBody({ bytes, bodyStart }: Message): void {
  validateDocument(bytes, bodyStart);
}

/** Checks that the documents of sequences are BSON, a part at a time: together they may be as long as a message. */
export class SequenceCheck {
  readonly #sequences: readonly MessageSequence[];
  /** The sequence that is checked, and how far it is. */
  #sequence = 0;
  #at = 0;

  constructor(sequences: readonly MessageSequence[]) {
    this.#sequences = sequences;
  }

  /** Checks about so many bytes more. Whether that was the last of them. Throws CommandError. */
  advance(bytesMax: number): boolean {
    let left = bytesMax;
    for (; this.#sequence < this.#sequences.length; this.#sequence++, this.#at = 0) {
      const { bytes, start, end } = this.#sequences[this.#sequence];
      let at = Math.max(this.#at, start);
      while (at < end) {
        if (left <= 0) {
          this.#at = at;
          return false;
        }
        validateDocument(bytes, at);
        const size = int32At(bytes, at);
        at += size;
        left -= size;
      }
    }
    return true;
  }
}
