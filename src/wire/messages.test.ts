import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CommandError } from '../base/command_error.ts';
import { int32At, writeInt32 } from '../bson/bytes.ts';
import { decodePlain, encodeDocument } from '../bson/codec.ts';
import { BsonWriter } from '../bson/writer.ts';
import { compressMessage } from './compression.ts';
import { crc32c } from './crc32c.ts';
import { MessageFramer } from './framer.ts';
import { HEADER_BYTES, MSG_FLAG, OP_CODE, OP_CODE_AT, WireError, type Message } from './message.ts';
import { parseMessage, validateSections } from './parse.ts';
import { frameReply, openReply } from './reply.ts';
import { frameRequest } from './request.ts';

const PING = encodeDocument({ ping: 1, $db: 'admin' });

function bodyOf(message: Message): Record<string, unknown> {
  return decodePlain(message.bytes, message.bodyStart);
}

/** A copy with the flag set and the checksum appended. */
function withChecksum(message: Uint8Array): Uint8Array {
  const longer = new Uint8Array(message.length + 4);
  longer.set(message);
  writeInt32(longer, 0, longer.length);
  longer[HEADER_BYTES] |= MSG_FLAG.checksumPresent;
  writeInt32(longer, message.length, crc32c(longer, 0, message.length));
  return longer;
}

function queryOf(namespace: string, document: Uint8Array): Uint8Array {
  const name = new TextEncoder().encode(namespace);
  const bytes = new Uint8Array(HEADER_BYTES + 4 + name.length + 1 + 8 + document.length);
  writeInt32(bytes, 0, bytes.length);
  writeInt32(bytes, 4, 9);
  writeInt32(bytes, OP_CODE_AT, OP_CODE.query);
  bytes.set(name, HEADER_BYTES + 4);
  writeInt32(bytes, HEADER_BYTES + 4 + name.length + 5, -1);
  bytes.set(document, bytes.length - document.length);
  return bytes;
}

function framerOf(...chunks: readonly Uint8Array[]): Uint8Array[] {
  const framer = new MessageFramer();
  const messages: Uint8Array[] = [];
  for (const chunk of chunks) {
    framer.push(chunk);
    for (let message = framer.next(); message !== undefined; message = framer.next()) messages.push(message);
  }
  return messages;
}

const bodies = fc.dictionary(
  fc.string({ maxLength: 8 }).filter((name) => !name.includes('\0')),
  fc.integer(),
  {
    maxKeys: 4,
    noNullPrototype: true,
  },
);

describe('crc32c', () => {
  test('gives the check value of the standard', () => {
    const text = new TextEncoder().encode('123456789');
    expect(crc32c(text, 0, text.length) >>> 0).toBe(0xe306_9283);
  });
});

describe('MessageFramer', () => {
  test('keeps nothing of a chunk, whose bytes may change', () => {
    const message = frameRequest(PING, { requestId: 1 });
    const chunk = message.slice();
    const [taken] = framerOf(chunk);
    chunk.fill(0);
    expect(taken).toEqual(message);
  });

  test('finds the same messages wherever the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(bodies, { minLength: 1, maxLength: 5 }), fc.array(fc.nat(200)), (documents, cuts) => {
        const messages = documents.map((body, index) => frameRequest(encodeDocument(body), { requestId: index }));
        const stream = Buffer.concat(messages);
        const bounds = [...new Set([0, ...cuts.map((cut) => cut % stream.length), stream.length])].sort(
          (a, b) => a - b,
        );
        const chunks = bounds.slice(1).map((end, index) => new Uint8Array(stream.subarray(bounds[index], end)));
        expect(framerOf(...chunks).map((bytes) => [...bytes])).toEqual(messages.map((bytes) => [...bytes]));
      }),
    );
  });

  test('refuses a length that no message has', () => {
    for (const size of [0, 15, -1, 48_000_001, 2 ** 31 - 1]) {
      const bytes = new Uint8Array(16);
      writeInt32(bytes, 0, size);
      expect(() => framerOf(bytes)).toThrow(WireError);
    }
  });
});

describe('parseMessage', () => {
  test('reads back what was framed', () => {
    const documents = [encodeDocument({ _id: 1 }), encodeDocument({ _id: 2 })];
    const body = encodeDocument({ insert: 'c', $db: 'test' });
    const message = parseMessage(frameRequest(body, { requestId: 7, sequences: [{ name: 'documents', documents }] }));
    validateSections(message);
    expect(message.requestId).toBe(7);
    expect(bodyOf(message)).toEqual({ insert: 'c', $db: 'test' });
    const [sequence] = message.sequences;
    expect(sequence?.name).toBe('documents');
    expect(sequence === undefined ? 0 : sequence.end - sequence.start).toBe(28);
  });

  test('verifies a checksum and refuses a wrong one', () => {
    const good = withChecksum(frameRequest(PING, { requestId: 1 }));
    expect(parseMessage(good).hasChecksum).toBe(true);
    const bad = good.slice();
    bad[30] = (bad[30] ?? 0) ^ 1;
    expect(() => parseMessage(bad)).toThrow(WireError);
  });

  test('refuses unknown flags among the required ones and ignores them among the others', () => {
    expect(() => parseMessage(frameRequest(PING, { requestId: 1, flags: 4 }))).toThrow(WireError);
    expect(parseMessage(frameRequest(PING, { requestId: 1, flags: 1 << 20 })).exhaustAllowed).toBe(false);
    expect(parseMessage(frameRequest(PING, { requestId: 1, flags: MSG_FLAG.exhaustAllowed })).exhaustAllowed).toBe(
      true,
    );
    expect(parseMessage(frameRequest(PING, { requestId: 1, flags: MSG_FLAG.moreToCome })).moreToCome).toBe(true);
  });

  test('understands a hello in OP_QUERY', () => {
    const message = parseMessage(queryOf('admin.$cmd', encodeDocument({ isMaster: 1 })));
    expect(message.queryNamespace).toBe('admin.$cmd');
    expect(bodyOf(message)).toEqual({ isMaster: 1 });
  });

  test('unpacks a compressed message', () => {
    const message = parseMessage(compressMessage(frameRequest(PING, { requestId: 3 })));
    expect(message.wasCompressed).toBe(true);
    expect(message.requestId).toBe(3);
    expect(bodyOf(message)).toEqual({ ping: 1, $db: 'admin' });
  });

  test('refuses a compressed message that is larger than it says', () => {
    const packed = compressMessage(frameRequest(PING, { requestId: 3 }));
    writeInt32(packed, HEADER_BYTES + 4, 10);
    expect(() => parseMessage(packed)).toThrow(WireError);
  });

  test('throws nothing but WireError and CommandError for any bytes', () => {
    const seeds = [
      frameRequest(PING, { requestId: 1 }),
      withChecksum(frameRequest(PING, { requestId: 1 })),
      compressMessage(frameRequest(PING, { requestId: 1 })),
      queryOf('admin.$cmd', encodeDocument({ isMaster: 1 })),
      frameRequest(PING, { requestId: 1, sequences: [{ name: 'documents', documents: [encodeDocument({ _id: 1 })] }] }),
    ];
    const edit = fc.tuple(fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(fc.nat(seeds.length - 1), fc.array(edit, { minLength: 1, maxLength: 6 }), (choice, edits) => {
        const bytes = (seeds[choice] ?? PING).slice();
        for (const [at, value] of edits) bytes[16 + (at % (bytes.length - 16))] = value;
        let thrown: unknown;
        try {
          validateSections(parseMessage(bytes));
        } catch (error) {
          thrown = error;
        }
        const isExpected = thrown === undefined || thrown instanceof WireError || thrown instanceof CommandError;
        expect(isExpected, String(thrown)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('frameReply', () => {
  const frame = { requestId: 100, moreToCome: false, mayCompress: true };

  function replyTo(request: Uint8Array, moreToCome = false): Uint8Array {
    const message = parseMessage(request);
    const writer = new BsonWriter();
    openReply(writer, message);
    writer.double('ok', 1);
    return frameReply(writer, message, { ...frame, moreToCome });
  }

  test('answers OP_MSG with OP_MSG', () => {
    const reply = parseMessage(replyTo(frameRequest(PING, { requestId: 5 })));
    expect([reply.opCode, reply.requestId, reply.responseTo, reply.flags]).toEqual([OP_CODE.msg, 100, 5, 0]);
    expect(bodyOf(reply)).toEqual({ ok: 1 });
  });

  test('says when more replies follow', () => {
    expect(parseMessage(replyTo(frameRequest(PING, { requestId: 5 }), true)).moreToCome).toBe(true);
  });

  test('has a checksum exactly when the request had one', () => {
    expect(parseMessage(replyTo(withChecksum(frameRequest(PING, { requestId: 5 })))).hasChecksum).toBe(true);
    expect(parseMessage(replyTo(frameRequest(PING, { requestId: 5 }))).hasChecksum).toBe(false);
  });

  test('is compressed when the request was', () => {
    const reply = replyTo(compressMessage(frameRequest(PING, { requestId: 5 })));
    expect(int32At(reply, OP_CODE_AT)).toBe(OP_CODE.compressed);
    expect(bodyOf(parseMessage(reply))).toEqual({ ok: 1 });
  });

  test('answers OP_QUERY with OP_REPLY', () => {
    const reply = parseMessage(replyTo(queryOf('admin.$cmd', encodeDocument({ isMaster: 1 }))));
    expect([reply.opCode, reply.responseTo]).toEqual([OP_CODE.reply, 9]);
    expect(bodyOf(reply)).toEqual({ ok: 1 });
  });
});
