import { beforeEach, describe, expect, test } from 'vitest';
import { TestCommands, type Reply } from '../../../tests/support/test_commands.ts';

let db: TestCommands;

beforeEach(async () => {
  db = await TestCommands.open();
});

function set(defaults: object): Promise<Reply> {
  return db.run({ setDefaultRWConcern: 1, ...defaults, $db: 'admin' });
}

describe('setDefaultRWConcern', () => {
  test('stores what is named and keeps the rest', async () => {
    expect(await set({ defaultReadConcern: { level: 'majority' } })).toMatchObject({
      defaultReadConcern: { level: 'majority' },
      defaultReadConcernSource: 'global',
      defaultWriteConcernSource: 'implicit',
      ok: 1,
    });
    await set({ defaultWriteConcern: { w: 1, wtimeout: 400 } });
    const expected = {
      defaultReadConcern: { level: 'majority' },
      defaultWriteConcern: { w: 1, wtimeout: 400 },
      defaultWriteConcernSource: 'global',
    };
    expect(await db.run({ getDefaultRWConcern: 1, $db: 'admin' })).toMatchObject(expected);
    expect(db.member.find('config.settings')).toMatchObject([{ _id: 'ReadWriteConcernDefaults' }]);
    expect(await set({ defaultReadConcern: {} })).toMatchObject({ defaultReadConcernSource: 'implicit' });
    expect(await set({ defaultWriteConcern: {} })).toMatchObject({ ok: 0, code: 20 });
  });

  test.each<[object, number]>([
    [{}, 2],
    [{ defaultReadConcern: { level: 'linearizable' } }, 2],
    [{ defaultReadConcern: { level: 'snapshot' } }, 2],
    [{ defaultReadConcern: { level: 'nope' } }, 9],
    [{ defaultReadConcern: 1 }, 14],
    [{ defaultWriteConcern: { w: 0 } }, 2],
    [{ defaultWriteConcern: { w: 1, nosuch: 1 } }, 9],
    [{ defaultReadConcern: { level: 'local' }, nosuch: 1 }, 40415],
  ])('refuses %j', async (defaults, code) => {
    expect(await set(defaults)).toMatchObject({ ok: 0, code });
  });
});
