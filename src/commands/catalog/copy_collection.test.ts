import { beforeEach, describe, expect, test } from 'vitest';
import { TestCommands } from '../../../tests/support/test_commands.ts';

let db: TestCommands;

beforeEach(async () => {
  db = await TestCommands.open();
});

async function optionsOf(name: string): Promise<unknown> {
  const reply = await db.run({ listCollections: 1, filter: { name } });
  const { firstBatch } = reply['cursor'] as { readonly firstBatch: readonly { readonly options: unknown }[] };
  return firstBatch[0]?.options;
}

const VALIDATOR = { a: { $gt: 0 } };

describe.each([
  ['convertToCapped', { convertToCapped: 'c', size: 4096 }, 'c'],
  ['cloneCollectionAsCapped', { cloneCollectionAsCapped: 'c', toCollection: 'd', size: 4096 }, 'd'],
] as const)('%s', (_, command, to) => {
  test('keeps the other options', async () => {
    await db.run({ create: 'c', validator: VALIDATOR, validationLevel: 'moderate' });
    await db.run({ insert: 'c', documents: [{ _id: 1, a: 1 }] });
    expect(await db.run(command)).toMatchObject({ ok: 1 });
    expect(await optionsOf(to)).toMatchObject({
      capped: true,
      size: 4096,
      validator: VALIDATOR,
      validationLevel: 'moderate',
    });
    expect(await db.run({ insert: to, documents: [{ _id: 2, a: -1 }] })).toMatchObject({
      writeErrors: [{ code: 121 }],
    });
  });

  test('copies what a validator would refuse now', async () => {
    await db.run({ insert: 'c', documents: [{ _id: 1, a: -1 }] });
    await db.run({ collMod: 'c', validator: VALIDATOR });
    expect(await db.run(command)).toMatchObject({ ok: 1 });
    expect(await db.run({ count: to })).toMatchObject({ n: 1 });
  });

  test('refuses a clustered collection', async () => {
    await db.run({ create: 'c', clusteredIndex: { key: { _id: 1 }, unique: true } });
    expect(await db.run(command)).toMatchObject({ ok: 0, code: 72 });
  });
});
