import { beforeEach, describe, expect, test } from 'vitest';
import { TestCommands } from '../../../tests/support/test_commands.ts';

let db: TestCommands;

beforeEach(async () => {
  db = await TestCommands.open();
});

describe('usersInfo', () => {
  test.each([1, 'ada', { user: 'ada', db: 'other' }, ['ada', { user: 'eve', db: 'db' }], { forAllDBs: true }])(
    'finds nobody by %j',
    async (usersInfo) => {
      expect(await db.run({ usersInfo, showPrivileges: true })).toMatchObject({ users: [], ok: 1 });
    },
  );

  test('refuses what names nobody', async () => {
    expect(await db.run({ usersInfo: { user: 'ada', x: 1 } })).toMatchObject({ ok: 0, code: 2 });
    expect(await db.run({ usersInfo: true })).toMatchObject({ ok: 0, code: 2 });
    expect(await db.run({ usersInfo: 1, x: 1 })).toMatchObject({ ok: 0, code: 40415 });
  });
});

describe('rolesInfo', () => {
  const read = { role: 'read', db: 'db', isBuiltin: true, roles: [], inheritedRoles: [] };

  test('lists the built-in roles when asked to', async () => {
    expect(await db.run({ rolesInfo: 1 })).toMatchObject({ roles: [] });
    const { roles } = await db.run({ rolesInfo: 1, showBuiltinRoles: true });
    expect(roles).toHaveLength(6);
    expect(roles).toContainEqual(read);
    const { roles: onAdmin } = await db.run({ rolesInfo: 1, showBuiltinRoles: true, $db: 'admin' });
    expect(onAdmin).toContainEqual({ ...read, role: 'root', db: 'admin' });
  });

  test('finds built-in roles by name', async () => {
    expect(await db.run({ rolesInfo: 'read' })).toMatchObject({ roles: [read] });
    expect(await db.run({ rolesInfo: ['root', { role: 'root', db: 'admin' }, 'x'] })).toMatchObject({
      roles: [{ role: 'root', db: 'admin' }],
    });
  });

  test('does not know what they allow', async () => {
    expect(await db.run({ rolesInfo: 'read', showPrivileges: true })).toMatchObject({ ok: 0, code: 238 });
  });
});

test('nobody can log in, and everybody can log out', async () => {
  const saslStart = { saslStart: 1, mechanism: 'SCRAM-SHA-256', payload: '' };
  expect(await db.run({ ...saslStart, $db: 'admin' })).toMatchObject({ ok: 0, codeName: 'AuthenticationFailed' });
  expect(await db.run({ logout: 1 })).toMatchObject({ ok: 1 });
});
