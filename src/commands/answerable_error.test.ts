import { beforeEach, describe, expect, test } from 'vitest';
import { CommandError } from '../base/command_error.ts';
import { InvariantError } from '../base/invariant.ts';
import { TestCommands } from '../../tests/support/test_commands.ts';

const INSERT = { insert: 'c', documents: [{ _id: 3 }, { _id: 4 }], ordered: false };
const UPDATE = { update: 'c', updates: [{ q: { _id: 1 }, u: { $set: { a: 1 } } }] };
const DELETE = { delete: 'c', deletes: [{ q: { _id: 1 }, limit: 1 }] };
const REMOVE = { findAndModify: 'c', query: { _id: 1 }, remove: true };
const BULK = {
  bulkWrite: 1,
  $db: 'admin',
  ops: [{ update: 0, filter: { _id: 1 }, updateMods: { $set: { a: 1 } } }],
  nsInfo: [{ ns: 'db.c' }],
};

let db: TestCommands;

beforeEach(async () => {
  db = await TestCommands.open();
  await db.run({ insert: 'c', documents: [{ _id: 1 }, { _id: 2 }] });
});

/** Makes a table of the collection, or one of its ways to work, fail as the engine or a bug would. */
function breakTable(table: 'documents' | 'ids', method: string, error: Error): void {
  const collection = db.member.data.catalog.find('db.c');
  Object.defineProperty(collection?.[table], method, {
    value: () => {
      throw error;
    },
  });
}

function recurse(): number {
  return recurse() + 1;
}

function thrownBy(act: () => unknown): Error {
  try {
    act();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('nothing was thrown');
}

describe('an error before anything of a statement was logged', () => {
  test.each([
    ['a stack that overflowed', recurse, 15],
    ['a text that is too long', () => 'x'.repeat(2 ** 29) + 'x'.repeat(2 ** 29), 146],
    ['an array that is too long', () => new Array(2 ** 32), 146],
    ['bytes that are too many', () => new Uint8Array(2 ** 53), 146],
    ['a mistake in the program', () => JSON.parse('{'), 1],
  ])('is answered, and the member goes on: %s', async (_, act, code) => {
    breakTable('ids', 'has', thrownBy(act));
    const errors = [
      { index: 0, code },
      { index: 1, code },
    ];
    expect(await db.run(INSERT)).toMatchObject({ ok: 1, n: 0, writeErrors: errors });
    expect(db.member.find('db.c')).toEqual([{ _id: 1 }, { _id: 2 }]);
    expect(await db.run(UPDATE)).toMatchObject({ ok: 1, n: 1 });
    expect(await db.run(DELETE)).toMatchObject({ ok: 1, n: 1 });
  });

  test('keeps what the statement did before', async () => {
    const updates = [{ q: {}, u: [{ $set: { a: { $divide: [1, { $subtract: ['$_id', 2] }] } } }], multi: true }];
    expect(await db.run({ update: 'c', updates })).toMatchObject({ ok: 1, writeErrors: [{ code: 16608 }] });
    expect(db.member.find('db.c')).toEqual([{ _id: 1, a: -1 }, { _id: 2 }]);
  });

  test('is that the disk has no room for the entry', async () => {
    Object.defineProperty(db.member.oplog, 'append', {
      value: () => {
        throw new CommandError('OutOfDiskSpace', 'no room left on the disk for the oplog');
      },
      configurable: true,
    });
    expect(await db.run(INSERT)).toMatchObject({ ok: 0, code: 14031 });
    expect(db.member.find('db.c').length).toBe(2);
    Reflect.deleteProperty(db.member.oplog, 'append');
    expect(await db.run(INSERT)).toMatchObject({ ok: 1, n: 2 });
  });

  test('does not hide a broken invariant', async () => {
    breakTable('ids', 'has', new InvariantError('broken'));
    await expect((async () => await db.run(INSERT))()).rejects.toThrow('broken');
  });
});

describe('an error after a statement was logged stops the member', () => {
  test.each([
    ['an insert', INSERT, 'add'],
    ['an update', UPDATE, 'put'],
    ['a delete', DELETE, 'remove'],
    ['a findAndModify', REMOVE, 'remove'],
    ['a bulkWrite', BULK, 'put'],
  ])('of %s', async (_, command, method) => {
    breakTable('documents', method, new RangeError('Maximum call stack size exceeded'));
    await expect((async () => await db.run(command))()).rejects.toThrow(RangeError);
  });

  test('also one that a client could be told', async () => {
    breakTable('documents', 'add', new CommandError('BadValue', 'no'));
    await expect((async () => await db.run(INSERT))()).rejects.toThrow('a write failed after it was logged');
  });
});
