import { expect, test } from 'vitest';
import { TestCommands } from '../../../tests/support/test_commands.ts';

test('the value of a duplicate key is told with its type, also when it is undefined', async () => {
  const db = await TestCommands.open();
  await db.run({ createIndexes: 'c', indexes: [{ key: { a: 1 }, name: 'a', unique: true }] });
  const reply = await db.run({ insert: 'c', documents: [{ a: [] }, { a: [] }] });
  const [error] = reply['writeErrors'] as { keyPattern: object; keyValue: object }[];
  expect(error.keyPattern).toEqual({ a: 1 });
  expect(Object.keys(error.keyValue)).toEqual(['a']);
});
