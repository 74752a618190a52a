import { expect, test } from 'vitest';
import { writeInt32 } from '../bson/bytes.ts';
import { encodeDocument } from '../bson/codec.ts';
import { TestCommands } from '../../tests/support/test_commands.ts';

const DOCUMENTS = Array.from({ length: 24 }, (_, _id) => encodeDocument({ _id, text: 'x'.repeat(1_000_000) }));

test('documents of many megabytes are checked over several turns, and then inserted', async () => {
  const db = await TestCommands.open();
  const { exchange, done } = db.start({ insert: 'c' }, [{ name: 'documents', documents: DOCUMENTS }]);
  expect(exchange.command.name).toBe('insert');
  expect(db.member.entries()).toEqual([]);
  expect(await done).toMatchObject({ ok: 1, n: DOCUMENTS.length });
});

test('the last of them may still make the whole command fail', async () => {
  const db = await TestCommands.open();
  const broken = DOCUMENTS[0].slice();
  writeInt32(broken, broken.indexOf(2) + 6, 7);
  const { done } = db.start({ insert: 'c' }, [{ name: 'documents', documents: [...DOCUMENTS, broken] }]);
  expect(await done).toMatchObject({ ok: 0, code: 22 });
  expect(db.member.entries()).toEqual([]);
});
