import { expect, test } from 'vitest';
import { TestCommands } from '../../../tests/support/test_commands.ts';
import { CommandError } from '../../base/command_error.ts';

const INDEXES = [{ key: { a: 1 }, name: 'a_1' }];

async function open(documents: number): Promise<TestCommands> {
  const db = await TestCommands.open();
  const all = Array.from({ length: documents }, (_, i) => ({ _id: i, a: i }));
  if (documents > 0) await db.run({ insert: 'c', documents: all });
  return db;
}

test.each([
  [true, 'FailedToParse', 'commitQuorum must be a string or a number'],
  [-1, 'FailedToParse', 'commitQuorum has to be a non-negative number and not greater than 7'],
  [8, 'FailedToParse', 'commitQuorum has to be a non-negative number and not greater than 7'],
])('a commit quorum of %s is refused', async (commitQuorum, codeName, errmsg) => {
  const db = await open(0);
  expect(await db.run({ createIndexes: 'c', indexes: INDEXES, commitQuorum })).toMatchObject({ codeName, errmsg });
});

test('a commit quorum that the set can never reach is refused before anything is built', async () => {
  const db = await open(3);
  const command = { createIndexes: 'c', indexes: INDEXES, commitQuorum: 5 };
  db.services.test.replication.demandError = new CommandError(
    'UnsatisfiableWriteConcern',
    'Not enough data-bearing nodes',
  );
  expect(await db.run(command)).toMatchObject({ code: 278, codeName: 'UnsatisfiableCommitQuorum' });
  db.services.test.replication.demandError = new CommandError('UnknownReplWriteConcern', 'No write concern mode');
  expect(await db.run({ ...command, commitQuorum: 'x' })).toMatchObject({ code: 79 });
  expect(db.member.collection('db.c').indexes).toEqual([]);
});

test('a member that is no part of a set takes none', async () => {
  const db = await open(0);
  db.services.test.replication.isReplicaSet = false;
  const reply = await db.run({ createIndexes: 'c', indexes: INDEXES, commitQuorum: 'majority' });
  expect(reply).toMatchObject({ codeName: 'BadValue', errmsg: "Standalones can't specify commitQuorum" });
});

test.each([undefined, 'votingMembers', 'majority', 3])(
  'the command of a build with commit quorum %s ends when the members have the index',
  async (commitQuorum) => {
    const db = await open(3);
    db.services.test.replication.outcome = undefined;
    const option = commitQuorum === undefined ? {} : { commitQuorum };
    let isDone = false;
    const { exchange, done } = db.start({ createIndexes: 'c', indexes: INDEXES, ...option });
    void done.then(() => (isDone = true));
    while (db.member.collection('db.c').indexes.length === 0) await db.member.env.breathe();
    for (let i = 0; i < 3; i++) await db.member.env.breathe();
    expect(isDone).toBe(false);
    exchange.interrupt(new CommandError('Interrupted', 'operation was interrupted'));
    expect(await done).toMatchObject({ codeName: 'Interrupted' });
  },
);

test('an index of an empty collection waits for nobody', async () => {
  const db = await open(0);
  db.services.test.replication.outcome = undefined;
  const reply = await db.run({ createIndexes: 'c', indexes: INDEXES });
  expect(reply).toMatchObject({ ok: 1, commitQuorum: 'votingMembers' });
});
