/**
 * Bad input to a running member, as raw bytes and through the official driver. Bytes that are no message cost their
 * sender its connection, with one line in the log; bad commands are answered with MongoDB's errors; nobody else notices.
 */
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { BSON, MongoBulkWriteError, MongoClient, MongoServerError } from 'mongodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeDocument } from '../src/bson/codec.ts';
import { MemberProcess, type MemberLogLine } from '../src/set/member_process.ts';
import { frameRequest } from '../src/wire/request.ts';
import { eventually } from './conditions.ts';
import { bundleProgram } from './support/bundled_program.ts';
import { RawClient, type Reply } from './support/raw_client.ts';
import { startPrimary } from './support/single_member.ts';
import { temporaryFolder, type TemporaryFolder } from './temporary_folder.ts';

const TEST_LIMIT_MS = 120_000;

/** "Closing a connection that sent what is no message". */
const NO_MESSAGE_ID = 8_000_110;
/** "Connection ended". */
const ENDED_ID = 22_944;
/** "A command failed unexpectedly". */
const UNEXPECTED_ID = 8_000_100;

const OP_MSG = 2013;
const OP_COMPRESSED = 2012;
const OP_QUERY = 2004;
const OP_INSERT = 2002;

let folder: TemporaryFolder;
let member: MemberProcess;
let driver: MongoClient;
/** A client that behaves, connected all the time. */
let other: RawClient;
const lines: MemberLogLine[] = [];

beforeAll(async () => {
  folder = temporaryFolder();
  member = new MemberProcess({
    setName: 'rs0',
    dbpath: folder.path,
    host: '127.0.0.1',
    port: 0,
    program: await bundleProgram(folder.path),
  });
  member.onLine((line) => lines.push(line));
  await startPrimary(member);
  other = await RawClient.connect(member.address);
  driver = new MongoClient(`mongodb://${member.address}/?replicaSet=rs0`);
}, TEST_LIMIT_MS);

afterAll(async () => {
  await driver.close();
  other.close();
  await member.kill();
  folder.remove();
});

function ping(client: RawClient): Promise<Reply> {
  return client.command({ ping: 1, $db: 'admin' });
}

/** The lines the member logged about one connection, once it has ended. */
async function linesOf(connectionId: number): Promise<MemberLogLine[]> {
  const own = (): MemberLogLine[] => lines.filter(({ attr }) => attr?.['connectionId'] === connectionId);
  return await eventually(async () => (own().some(({ id }) => id === ENDED_ID) ? own() : undefined));
}

async function connectionIdOf(client: RawClient): Promise<number> {
  return Number((await client.command({ hello: 1, $db: 'admin' }))['connectionId']);
}

function int32s(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeInt32LE(value | 0, 4 * i));
  return bytes;
}

/** A message whose length is right, whatever its content. */
function message(opCode: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([int32s(16 + content.length, 1, 0, opCode), content]);
}

const PING = encodeDocument({ ping: 1, $db: 'admin' });
const BODY = Buffer.concat([Buffer.of(0), PING]);

/** OP_COMPRESSED: the inner opcode, the inner size, the compressor. */
function compressed(opCode: number, size: number, compressor: number, data: Uint8Array): Buffer {
  return message(OP_COMPRESSED, int32s(opCode, size), Buffer.of(compressor), data);
}

describe('bytes that are no message', () => {
  test.each<[string, Uint8Array]>([
    ['a length below that of a header', int32s(15, 1, 0, OP_MSG)],
    ['a negative length', int32s(-1, 1, 0, OP_MSG)],
    ['a length above 48,000,000', int32s(48_000_001, 1, 0, OP_MSG)],
    ['another protocol', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
    ['an operation code that nobody has', message(9999, int32s(0), BODY)],
    ['an operation code that is not used any more', message(OP_INSERT, int32s(0), BODY)],
    ['no flags', message(OP_MSG)],
    ['a required flag that is not known', message(OP_MSG, int32s(1 << 9), BODY)],
    ['no section', message(OP_MSG, int32s(0))],
    ['a section of an unknown kind', message(OP_MSG, int32s(0), Buffer.of(7), PING)],
    ['two bodies', message(OP_MSG, int32s(0), BODY, BODY)],
    ['a body longer than the message', message(OP_MSG, int32s(0), Buffer.of(0), int32s(1000))],
    ['a body shorter than any document', message(OP_MSG, int32s(0), Buffer.of(0), int32s(4))],
    [
      'a document sequence without a name',
      message(OP_MSG, int32s(0), BODY, Buffer.of(1), int32s(6), Buffer.of(65, 65)),
    ],
    ['a document sequence with a wrong length', message(OP_MSG, int32s(0), BODY, Buffer.of(1), int32s(9999))],
    ['a wrong checksum', message(OP_MSG, int32s(1), BODY, int32s(12345))],
    ['a query without a namespace', message(OP_QUERY, int32s(0), Buffer.from('abc'))],
    ['a query without a document', message(OP_QUERY, int32s(0), Buffer.from('admin.$cmd\0'), int32s(0, -1))],
    ['a compressed message without a head', message(OP_COMPRESSED, int32s(OP_MSG))],
    ['a compressor that was not agreed on', compressed(OP_MSG, BODY.length + 4, 1, Buffer.from('x'))],
    ['compressed bytes that are damaged', compressed(OP_MSG, BODY.length + 4, 2, Buffer.from('not zlib'))],
    ['compressed bytes of another size', compressed(OP_MSG, 5, 2, deflateSync(Buffer.concat([int32s(0), BODY])))],
    ['compressed bytes that grow without end', compressed(OP_MSG, 100, 2, deflateSync(Buffer.alloc(10_000_000)))],
    ['compressed in compressed', compressed(OP_COMPRESSED, 100, 0, Buffer.alloc(100))],
  ])('%s: only that connection is closed, with one line', async (_, bytes) => {
    const client = await RawClient.connect(member.address);
    const id = await connectionIdOf(client);
    client.send(bytes);
    await client.ended;
    const said = (await linesOf(id)).filter((line) => line.s !== 'I');
    expect(said.map((line) => line.id)).toEqual([NO_MESSAGE_ID]);
    expect(said[0]?.attr?.['error']).toEqual(expect.any(String));
    expect(await ping(other)).toMatchObject({ ok: 1 });
  });

  test('half a message and no more: the member waits, and forgets it with the connection', async () => {
    const client = await RawClient.connect(member.address);
    const id = await connectionIdOf(client);
    const whole = frameRequest(PING, { requestId: 77 });
    client.send(whole.subarray(0, whole.length - 1));
    expect(await ping(other)).toMatchObject({ ok: 1 });
    client.close();
    expect((await linesOf(id)).every((line) => line.s === 'I')).toBe(true);
  });

  test('a message byte by byte is understood', async () => {
    const client = await RawClient.connect(member.address);
    const reply = ping(client);
    for (const byte of frameRequest(PING, { requestId: 2 })) client.send(Uint8Array.of(byte));
    const replies = await Promise.all([reply, ping(client)]);
    expect(replies).toMatchObject([{ ok: 1 }, { ok: 1 }]);
    client.close();
  });
});

/** A document as bytes, from its elements. */
function documentOf(...elements: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(elements);
  return Buffer.concat([int32s(content.length + 5), content, Buffer.of(0)]);
}

function elementsOf(document: object): Buffer {
  return Buffer.from(encodeDocument(document)).subarray(4, -1);
}

/** An insert of one document given as bytes. */
function insertOf(document: Uint8Array): Buffer {
  const documents = Buffer.concat([Buffer.from('\x04documents\0'), documentOf(Buffer.from('\x030\0'), document)]);
  return documentOf(elementsOf({ insert: 'c' }), documents, elementsOf({ $db: 'test' }));
}

function nested(levels: number): Record<string, unknown> {
  let document: Record<string, unknown> = {};
  for (let level = 1; level < levels; level += 1) document = { a: document };
  return document;
}

const MIB = 1024 * 1024;

describe('commands that are wrong', () => {
  let client: RawClient;

  beforeAll(async () => {
    client = await RawClient.connect(member.address);
    await client.command({ insert: 'c', documents: [{ _id: 1, a: 1 }], $db: 'test' });
    const indexes = [{ key: { a: 1, b: -1 }, name: 'ab', unique: true }];
    await client.command({ createIndexes: 'unique', indexes, $db: 'test' });
    await client.command({ insert: 'unique', documents: [{ _id: 1, a: 1, b: 2 }], $db: 'test' });
  });

  afterAll(() => client.close());

  test.each<[string, Uint8Array]>([
    [
      'a length that points beyond the document',
      insertOf(Buffer.concat([int32s(99), Buffer.of(16, 97, 0, 1, 0, 0, 0, 0)])),
    ],
    ['an unknown type', insertOf(documentOf(Buffer.of(0x42, 97, 0, 1)))],
    ['a string without its end', insertOf(documentOf(Buffer.of(2, 97, 0), int32s(2), Buffer.from('xy')))],
    ['a string longer than the document', insertOf(documentOf(Buffer.of(2, 97, 0), int32s(1000), Buffer.from('x\0')))],
    ['a name without an end', insertOf(Buffer.concat([int32s(8), Buffer.of(16, 97, 97, 97)]))],
    ['a bool that is neither', insertOf(documentOf(Buffer.of(8, 97, 0, 7)))],
    ['a document without its last byte', insertOf(Buffer.concat([int32s(5), Buffer.of(1)]))],
    ['a name that is not UTF-8', insertOf(documentOf(Buffer.of(16, 0xc3, 0x28, 0), int32s(1)))],
  ])('%s is no BSON: 22, and the connection goes on', async (_, body) => {
    expect(await client.commandBytes(body)).toMatchObject({ ok: 0, code: 22, codeName: 'InvalidBSON' });
    expect(await ping(client)).toMatchObject({ ok: 1 });
  });

  test('a document over 16 MiB: 10334', async () => {
    const large = encodeDocument({ _id: 2, text: 'x'.repeat(17 * MIB) });
    const sequences = [{ name: 'documents', documents: [large] }];
    const reply = await client.command({ insert: 'c', $db: 'test' }, sequences);
    expect(reply).toMatchObject({ ok: 0, code: 10_334, codeName: 'BSONObjectTooLarge' });
    expect(await client.command({ find: 'c', filter: { _id: 2 }, $db: 'test' })).toMatchObject({
      cursor: { firstBatch: [] },
    });
  });

  test('an update that makes a document larger than 16 MiB is refused and changes nothing', async () => {
    await client.command({ insert: 'big', documents: [{ _id: 1, text: 'x'.repeat(9 * MIB) }], $db: 'test' });
    const updates = [{ q: { _id: 1 }, u: { $set: { more: 'x'.repeat(9 * MIB) } } }];
    const reply = await client.command({ update: 'big', updates, $db: 'test' });
    expect(reply).toMatchObject({ ok: 1, n: 0, writeErrors: [{ index: 0, code: 17_419 }] });
    expect(await client.command({ count: 'big', query: { more: { $exists: true } }, $db: 'test' })).toMatchObject({
      n: 0,
    });
  });

  test('a document that is nested too deep: 15, in a statement or in the whole message', async () => {
    const stored = await client.command({ insert: 'c', documents: [nested(181)], $db: 'test' });
    expect(stored).toMatchObject({ ok: 1, n: 0, writeErrors: [{ index: 0, code: 15 }] });
    expect(await client.command({ insert: 'c', documents: [nested(250)], $db: 'test' })).toMatchObject({
      ok: 0,
      code: 15,
      codeName: 'Overflow',
    });
    expect(await client.command({ insert: 'c', documents: [nested(180)], $db: 'test' })).toMatchObject({ ok: 1, n: 1 });
  });

  test('a duplicate _id or unique key: 11000 with the pattern and the value', async () => {
    expect(await client.command({ insert: 'c', documents: [{ _id: 1 }], $db: 'test' })).toMatchObject({
      ok: 1,
      n: 0,
      writeErrors: [{ index: 0, code: 11_000, keyPattern: { _id: 1 }, keyValue: { _id: 1 } }],
    });
    const documents = [{ a: 9 }, { _id: 5, a: 1, b: 2 }, { a: 10 }];
    expect(await client.command({ insert: 'unique', documents, ordered: false, $db: 'test' })).toMatchObject({
      ok: 1,
      n: 2,
      writeErrors: [
        {
          index: 1,
          code: 11_000,
          keyPattern: { a: 1, b: -1 },
          keyValue: { a: 1, b: 2 },
          errmsg: expect.stringMatching(/^E11000 duplicate key error collection: test\.unique index: ab dup key: /),
        },
      ],
    });
  });

  test.each<[string, object, number]>([
    ['an unknown command', { frobnicate: 1 }, 59],
    ['an unknown field', { insert: 'c', documents: [{}], frob: 1 }, 40_415],
    ['an unknown field of a statement', { update: 'c', updates: [{ q: {}, u: {}, frob: 1 }] }, 40_415],
    ['a missing field', { insert: 'c' }, 40_414],
    ['documents that are no array', { insert: 'c', documents: 5 }, 10_065],
    ['documents as an object', { insert: 'c', documents: { a: 1 } }, 40_422],
    ['a document that is none', { insert: 'c', documents: [1] }, 14],
    ['a filter that is no document', { find: 'c', filter: 5 }, 9],
    ['a limit that is a string', { find: 'c', limit: 'x' }, 9],
    ['ordered that is a string', { insert: 'c', documents: [{}], ordered: 'yes' }, 14],
    ['a collection that is no string', { find: 5 }, 9],
    ['a batch size that is a string', { aggregate: 'c', pipeline: [], cursor: { batchSize: 'x' } }, 14],
    ['an empty collection name', { insert: '', documents: [{}] }, 73],
    ['a database name with a dot', { find: 'c', $db: 'a.b' }, 73],
    ['an unknown operator', { find: 'c', filter: { a: { $frob: 1 } } }, 2],
    ['no statements', { insert: 'c', documents: [] }, 16],
    ['no pipeline', { aggregate: 'c', cursor: {} }, 14],
    ['an unknown stage', { aggregate: 'c', pipeline: [{ $frob: {} }], cursor: {} }, 40_324],
    ['a cursor that is not there', { getMore: 123n, collection: 'c' }, 43],
    ['a read concern level that is none', { find: 'c', readConcern: { level: 'frob' } }, 9],
    ['a write concern that is none', { insert: 'c', documents: [{}], writeConcern: { w: {} } }, 14],
    ['a negative maxTimeMS', { find: 'c', maxTimeMS: -1 }, 2],
    ['a write concern of more members than there are', { insert: 'c', documents: [{}], writeConcern: { w: 60 } }, 9],
  ])('%s', async (_, command, code) => {
    expect(await client.command('$db' in command ? command : { ...command, $db: 'test' })).toMatchObject({
      ok: 0,
      code,
    });
    expect(await ping(client)).toMatchObject({ ok: 1 });
  });

  test('more than 100,000 statements: 16', async () => {
    const documents = Array.from({ length: 100_001 }, () => encodeDocument({}));
    const reply = await client.command({ insert: 'c', $db: 'test' }, [{ name: 'documents', documents }]);
    expect(reply).toMatchObject({ ok: 0, code: 16, codeName: 'InvalidLength' });
  });

  test('a field given twice in a command is refused', async () => {
    const body = documentOf(elementsOf({ find: 'c', limit: 1 }), elementsOf({ limit: 2, $db: 'test' }));
    expect(await client.commandBytes(body)).toMatchObject({ ok: 0, code: 40_413 });
  });

  test('through the official driver they are its errors', async () => {
    const db = driver.db('test');
    const collection = db.collection<{ _id: number }>('c');
    await expect(collection.insertOne({ _id: 1 })).rejects.toMatchObject({
      code: 11_000,
      keyPattern: { _id: 1 },
      keyValue: { _id: 1 },
    });
    const bulk = collection.insertMany([{ _id: 1 }, { _id: 50 }], { ordered: false });
    await expect(bulk).rejects.toBeInstanceOf(MongoBulkWriteError);
    expect(await collection.countDocuments({ _id: 50 })).toBe(1);
    await expect(db.command({ frobnicate: 1 })).rejects.toMatchObject({ code: 59, codeName: 'CommandNotFound' });
    await expect(db.command({ find: 'c', frob: 1 })).rejects.toMatchObject({ code: 40_415 });
    await expect(db.command({ find: 'c', filter: 1 })).rejects.toMatchObject({ code: 9, codeName: 'FailedToParse' });
    await expect(db.collection('c').insertOne(nested(190))).rejects.toBeInstanceOf(MongoServerError);
    const large = { text: 'x'.repeat(16 * MIB) };
    await expect(db.collection('c').insertOne(large)).rejects.toThrow();
    expect(await collection.findOne({ _id: 50 })).toEqual({ _id: 50 });
  });
});

/** Commands to be damaged: one of each kind of parsing there is. */
const COMMANDS: readonly object[] = [
  { insert: 'fuzz', documents: [{ _id: 1, a: [1, { b: 'x' }] }, { a: 2 }], ordered: false, $db: 'test' },
  {
    update: 'fuzz',
    updates: [{ q: { a: { $gt: 1 } }, u: { $set: { 'a.b': 1 }, $inc: { n: 1 } }, upsert: true }],
    $db: 'test',
  },
  {
    update: 'fuzz',
    updates: [{ q: { _id: 1 }, u: { $push: { a: { $each: [1], $slice: -2 } } }, multi: true }],
    $db: 'test',
  },
  { delete: 'fuzz', deletes: [{ q: { a: { $in: [1, 2] } }, limit: 1 }], $db: 'test' },
  { findAndModify: 'fuzz', query: { a: 1 }, update: { $max: { n: 3 } }, new: true, $db: 'test' },
  {
    find: 'fuzz',
    filter: { $or: [{ a: 1 }, { b: { $regex: 'x', $options: 'i' } }] },
    sort: { a: 1 },
    limit: 3,
    $db: 'test',
  },
  {
    aggregate: 'fuzz',
    pipeline: [{ $match: { a: 1 } }, { $group: { _id: null, n: { $sum: 1 } } }],
    cursor: {},
    $db: 'test',
  },
  { createIndexes: 'fuzz', indexes: [{ key: { a: 1 }, name: 'a' }], $db: 'test' },
  { getMore: 1n, collection: 'fuzz', $db: 'test' },
  { hello: 1, client: { driver: { name: 'x', version: '1' } }, compression: ['zlib'], $db: 'admin' },
  { replSetHeartbeat: 'rs0', configVersion: 1n, configTerm: 1n, from: 'x:1', fromId: 1, term: 1n, $db: 'admin' },
  { replSetUpdatePosition: 1, optimes: [{ memberId: 0n, cfgver: 1n }], $db: 'admin' },
  { serverStatus: 1, $db: 'admin' },
];

const FUZZ_SEED = 20_261_121;

async function expectOthersAreServed(): Promise<void> {
  expect(await ping(other)).toMatchObject({ ok: 1 });
}

describe('garbage', () => {
  test(
    'of any kind leaves others served',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
          const client = await RawClient.connect(member.address);
          client.send(bytes);
          await expectOthersAreServed();
          client.close();
        }),
        { numRuns: 200, seed: FUZZ_SEED },
      );
    },
    TEST_LIMIT_MS,
  );

  test(
    'in messages that are almost right is answered or costs the connection',
    async () => {
      let client = await RawClient.connect(member.address);
      const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...COMMANDS), damage, async (command, changes) => {
          const bytes = frameRequest(encodeDocument(command), { requestId: 1_000_000 });
          // The length stays right, or the rest would only be waited for.
          for (const [at, byte] of changes) bytes[16 + (at % (bytes.length - 16))] = byte;
          if (client.isEnded) client = await RawClient.connect(member.address);
          client.send(bytes);
          await Promise.race([ping(client).catch(() => {}), client.ended]);
          await expectOthersAreServed();
        }),
        { numRuns: 1500, seed: FUZZ_SEED },
      );
      client.close();
      expect(lines.filter(({ id, c }) => id === UNEXPECTED_ID && c === 'COMMAND')).toEqual([]);
    },
    TEST_LIMIT_MS,
  );

  test(
    'in the values of commands is answered',
    async () => {
      const client = await RawClient.connect(member.address);
      const value = fc.constantFrom<unknown>(
        0,
        -1,
        1e300,
        NaN,
        2 ** 31,
        2n ** 63n - 1n,
        '',
        'x',
        '$a',
        null,
        true,
        [],
        [[]],
        {},
        { a: 1 },
        { $gt: 1 },
        { $frob: 1 },
        new Date(0),
        new BSON.MinKey(),
        new BSON.Decimal128('NaN'),
        new BSON.Timestamp(0n),
        nested(150),
      );
      const place = fc.tuple(fc.nat(20), fc.nat(20), value);
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...COMMANDS), place, async (command, [outer, inner, wrong]) => {
          const changed = replaceIn(command, [outer, inner], wrong);
          expect(await client.command(changed)).toHaveProperty('ok');
        }),
        { numRuns: 1500, seed: FUZZ_SEED },
      );
      client.close();
      expect(lines.filter(({ id, c }) => id === UNEXPECTED_ID && c === 'COMMAND')).toEqual([]);
    },
    TEST_LIMIT_MS,
  );
});

/** The command with another value at a place: one of its fields, or a field of that field. */
function replaceIn(command: object, [outer, inner]: readonly [number, number], value: unknown): object {
  const names = Object.keys(command).slice(0, -1);
  const name = names[outer % names.length] ?? '';
  const old = (command as Record<string, unknown>)[name];
  if (typeof old !== 'object' || old === null || inner % 3 === 0) return { ...command, [name]: value };
  const target = Array.isArray(old) ? (old[0] as object) : old;
  const keys = Object.keys(target);
  const changed = { ...target, [keys[inner % Math.max(1, keys.length)] ?? 'x']: value };
  return { ...command, [name]: Array.isArray(old) ? [changed, ...old.slice(1)] : changed };
}
