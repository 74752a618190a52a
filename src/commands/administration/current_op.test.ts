import { beforeEach, describe, expect, test } from 'vitest';
import { TestCommands, type Reply } from '../../../tests/support/test_commands.ts';

let db: TestCommands;

beforeEach(async () => {
  db = await TestCommands.open();
  await db.run({ insert: 'c', documents: [1, 2, 3, 4, 5].map((n) => ({ _id: n })) });
});

describe('currentOp', () => {
  const currentOp = (conditions: object): Promise<Reply> => db.run({ currentOp: 1, ...conditions, $db: 'admin' });

  test('shows what matches its further fields, by any condition', async () => {
    const own = { type: 'op', op: 'command', ns: 'admin.$cmd', command: { currentOp: 1 }, waitingForLock: false };
    expect(await currentOp({})).toMatchObject({ inprog: [own], ok: 1 });
    expect(await currentOp({ $all: true, 'command.currentOp': { $gte: 1 }, active: true })).toMatchObject({
      inprog: [own],
    });
    expect(await currentOp({ ns: { $regex: '^no' } })).toMatchObject({ inprog: [] });
    expect(await currentOp({ $or: 5 })).toMatchObject({ ok: 0 });
  });
});

test('$currentOp tells what became of idle cursors', async () => {
  const find = { find: 'c', batchSize: 2, noCursorTimeout: true };
  const { cursor } = (await db.run(find)) as { cursor: { id: bigint } };
  await db.run({ getMore: cursor.id, collection: 'c', batchSize: 1 });
  const pipeline = [{ $currentOp: { idleCursors: true } }, { $match: { type: 'idleCursor' } }];
  expect(await db.run({ aggregate: 1, pipeline, cursor: {}, $db: 'admin' })).toMatchObject({
    cursor: {
      firstBatch: [
        {
          ns: 'db.c',
          cursor: {
            nDocsReturned: 3,
            nBatchesReturned: 2,
            noCursorTimeout: true,
            tailable: false,
            awaitData: false,
            createdDate: expect.any(Date),
            lastAccessDate: expect.any(Date),
            originatingCommand: find,
          },
        },
      ],
    },
  });
});
