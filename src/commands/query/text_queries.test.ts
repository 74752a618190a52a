import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeDocument } from '../../bson/codec.ts';
import { TextFields } from '../../query/text/text_fields.ts';
import { TextSearch } from '../../query/text/text_search.ts';
import { TestCommands, type Reply } from '../../../tests/support/test_commands.ts';

interface Found {
  readonly _id: number;
  readonly s?: number;
}

const KEY = { a: 'text', 'b.c': 'text' };
const SPEC = { weights: { a: 1, 'b.c': 3 }, default_language: 'english', language_override: 'language' };

const word = fc.constantFrom('run', 'Running', 'runs', 'fox', 'Foxes', 'café', 'cafe', 'the', 'x', 'X', 'sea');
const sentence = fc.array(word, { maxLength: 6 }).map((words) => words.join(' '));
const document = fc.record({
  a: fc.oneof(sentence, fc.array(sentence, { maxLength: 3 }), fc.constant(5)),
  b: fc.oneof(fc.record({ c: sentence }), fc.array(fc.record({ c: sentence }), { maxLength: 2 })),
});
const anySearch = fc
  .array(fc.tuple(fc.constantFrom('', '', '-', '"', '-"'), sentence), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.map(([sign, text]) => (sign.endsWith('"') ? `${sign}${text}"` : sign + text)).join(' '));

async function commandsWith(documents: readonly object[], index: object): Promise<TestCommands> {
  const commands = await TestCommands.open();
  if (documents.length > 0) {
    await commands.run({ insert: 'c', documents: documents.map((one, _id) => ({ _id, ...one })) });
  }
  expect(await commands.run({ createIndexes: 'c', indexes: [{ name: 't', ...index }] })).toMatchObject({ ok: 1 });
  return commands;
}

function rows(reply: Reply): readonly Found[] {
  expect(reply).toMatchObject({ ok: 1 });
  return (reply['cursor'] as { readonly firstBatch: readonly Found[] }).firstBatch;
}

describe('$text', () => {
  test('finds through the index what the search means, with the scores it gives', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(document, { minLength: 1, maxLength: 12 }),
        anySearch,
        fc.boolean(),
        fc.boolean(),
        async (documents, text, caseSensitive, diacriticSensitive) => {
          const commands = await commandsWith(documents, { key: KEY, weights: { 'b.c': 3 } });
          const $text = { $search: text, $caseSensitive: caseSensitive, $diacriticSensitive: diacriticSensitive };
          const meta = { $meta: 'textScore' };
          const find = { find: 'c', filter: { $text }, projection: { s: meta }, sort: { s: meta, _id: 1 } };
          const found = rows(await commands.run(find));
          const search = new TextSearch(
            { search: text, language: undefined, caseSensitive, diacriticSensitive },
            new TextFields(encodeDocument(SPEC)),
          );
          const wanted = documents
            .map((one, _id) => ({ _id, bytes: encodeDocument({ _id, ...one }) }))
            .filter(({ bytes }) => search.matches(bytes))
            .map(({ _id, bytes }) => ({ _id, s: search.score(bytes) }))
            .toSorted((a, b) => b.s - a.s || a._id - b._id);
          expect(found.map(({ _id, s }) => ({ _id, s }))).toEqual(wanted);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('of an index of every field looks everywhere', async () => {
    const commands = await commandsWith([{ z: { y: ['deep blue'] } }, { q: 5 }], { key: { '$**': 'text' } });
    expect(rows(await commands.run({ find: 'c', filter: { $text: { $search: 'blue' } } }))).toMatchObject([{ _id: 0 }]);
  });

  test('keeps its score through stages that make documents anew', async () => {
    const commands = await commandsWith([{ a: 'x' }, { a: 'x y' }], { key: { a: 'text' } });
    const pipeline = [
      { $match: { $text: { $search: 'x' } } },
      { $set: { n: 1 } },
      { $project: { n: 1 } },
      { $sort: { s: { $meta: 'textScore' } } },
      { $set: { s: { $meta: 'textScore' } } },
    ];
    expect(rows(await commands.run({ aggregate: 'c', pipeline, cursor: {} }))).toEqual([
      { _id: 0, n: 1, s: 1.1 },
      { _id: 1, n: 1, s: 0.75 },
    ]);
  });

  test('goes with an `_id`', async () => {
    const commands = await commandsWith([{ a: 'x' }, { a: 'x' }], { key: { a: 'text' } });
    const filter = { _id: 1, $text: { $search: 'x' } };
    expect(rows(await commands.run({ find: 'c', filter }))).toMatchObject([{ _id: 1 }]);
  });

  test('has one index in a collection', async () => {
    const commands = await commandsWith([], { key: { a: 'text' } });
    const reply = await commands.run({ createIndexes: 'c', indexes: [{ key: { k: 1, b: 'text' }, name: 'u' }] });
    expect(reply).toMatchObject({ code: 67, errmsg: expect.stringContaining('only one text index per collection') });
  });
});

describe('a text index', () => {
  test('may have fields before its words, in either direction', async () => {
    const documents = [
      { k: 1, a: 'x' },
      { k: 2, a: 'x' },
      { k: 1, a: 'y' },
    ];
    const commands = await commandsWith(documents, { key: { k: -1, a: 'text' } });
    const filter = { k: 1, $text: { $search: 'x' } };
    expect(rows(await commands.run({ find: 'c', filter }))).toMatchObject([{ _id: 0 }]);
  });

  test('of a part of the documents serves what is about that part only', async () => {
    const documents = [{ a: 'x', k: 1 }, { a: 'x' }];
    const partial = { key: { a: 'text' }, partialFilterExpression: { k: { $gt: 0 } } };
    const commands = await commandsWith(documents, partial);
    const $text = { $search: 'x' };
    expect(rows(await commands.run({ find: 'c', filter: { $text, k: 1 } }))).toMatchObject([{ _id: 0 }]);
    expect(await commands.run({ find: 'c', filter: { $text } })).toMatchObject({ code: 291 });
  });

  test('orders the documents that a write may choose from', async () => {
    const commands = await commandsWith([{ a: 'x y' }, { a: 'x' }], { key: { a: 'text' } });
    const best = { query: { $text: { $search: 'x' } }, sort: { s: { $meta: 'textScore' } } };
    const reply = await commands.run({ findAndModify: 'c', ...best, remove: true });
    expect(reply).toMatchObject({ value: { _id: 1 } });
  });
});

describe('without a collection', () => {
  test('a search has no index', async () => {
    const commands = await TestCommands.open();
    const query = { $text: { $search: 'x' } };
    const wanted = { code: 27, errmsg: "text index required for $text query (no such collection 'db.none')" };
    expect(await commands.run({ find: 'none', filter: query })).toMatchObject(wanted);
    expect(await commands.run({ count: 'none', query })).toMatchObject(wanted);
    expect(await commands.run({ distinct: 'none', key: 'a', query })).toMatchObject(wanted);
    const pipeline = [{ $match: query }];
    expect(await commands.run({ aggregate: 'none', pipeline, cursor: {} })).toMatchObject(wanted);
  });
});

describe('a sort by chance', () => {
  test('gives all documents', async () => {
    const commands = await commandsWith([{}, {}, {}], { key: { a: 'text' } });
    const pipeline = [{ $sort: { r: { $meta: 'randVal' } } }];
    const found = rows(await commands.run({ aggregate: 'c', pipeline, cursor: {} }));
    expect(found.map(({ _id }) => _id).toSorted((a, b) => a - b)).toEqual([0, 1, 2]);
  });
});

describe('$text without a collection', () => {
  const q = { $text: { $search: 'x' } };
  const refused = { code: 27, errmsg: "text index required for $text query (no such collection 'db.none')" };

  test.each([
    ['update', { update: 'none', updates: [{ q, u: { $set: { a: 1 } }, upsert: true }] }],
    ['delete', { delete: 'none', deletes: [{ q, limit: 0 }] }],
  ])('is refused in %s', async (_, command) => {
    const commands = await TestCommands.open();
    expect(await commands.run(command)).toMatchObject({ ok: 1, n: 0, writeErrors: [refused] });
    expect(commands.member.entries()).toEqual([]);
  });

  test.each([
    ['that updates', { update: { $set: { a: 1 } }, upsert: true }],
    ['that removes', { remove: true }],
  ])('is refused in a findAndModify %s', async (_, action) => {
    const commands = await TestCommands.open();
    expect(await commands.run({ findAndModify: 'none', query: q, ...action })).toMatchObject({ ok: 0, ...refused });
  });
});

describe('$text among alternatives', () => {
  async function filled(): Promise<TestCommands> {
    const db = await TestCommands.open();
    const words = ['coffee', 'tea', 'milk', 'coffee tea'];
    const documents = Array.from({ length: 200 }, (_, _id) => ({ _id, t: words[_id % 4], a: _id % 10, p: _id % 2 }));
    await db.run({ insert: 'c', documents });
    await db.run({ createIndexes: 'c', indexes: [{ key: { t: 'text' }, name: 't' }] });
    await db.run({ createIndexes: 'c', indexes: [{ key: { a: 1 }, name: 'a' }] });
    return db;
  }

  async function idsIn(db: TestCommands, filter: object): Promise<number[]> {
    const reply = await db.run({ find: 'c', filter, sort: { _id: 1 }, batchSize: 1000 });
    return (reply['cursor'] as { firstBatch: { _id: number }[] }).firstBatch.map(({ _id }) => _id);
  }

  test('reads what the words and the indexes of the others find', async () => {
    const db = await filled();
    const all = Array.from({ length: 200 }, (_, i) => i);
    const search = { $text: { $search: 'milk' } };
    expect(await idsIn(db, { $or: [search, { a: 3 }] })).toEqual(all.filter((i) => i % 4 === 2 || i % 10 === 3));
    expect(await idsIn(db, { p: 0, $or: [{ a: { $gt: 7 } }, { ...search, a: 4 }] })).toEqual(
      all.filter((i) => i % 2 === 0 && (i % 10 > 7 || (i % 4 === 2 && i % 10 === 4))),
    );
    const filter = { $or: [search, { a: 3 }] };
    const reply = await db.run({ explain: { find: 'c', filter }, verbosity: 'executionStats' });
    expect(reply).toMatchObject({
      queryPlanner: { winningPlan: { inputStage: { stage: 'FETCH', inputStage: { stage: 'OR' } } } },
      executionStats: { nReturned: 70, totalDocsExamined: 70 },
    });
  });

  test('needs an index for every other one', async () => {
    const db = await filled();
    const filter = { $or: [{ $text: { $search: 'tea' } }, { p: 1 }] };
    expect(await db.run({ find: 'c', filter })).toMatchObject({ codeName: 'NoQueryExecutionPlans' });
  });
});
