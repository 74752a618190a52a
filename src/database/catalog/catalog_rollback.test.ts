import { describe, expect, test } from 'vitest';
import { encodeDocument } from '../../bson/codec.ts';
import { modifyCollection } from '../write/coll_mod.ts';
import { TestData } from '../test_support.ts';
import { findView, viewsNamespace } from './views.ts';
import { createCollection, createEmptyIndex } from '../write/write_catalog.ts';
import { storedIndexSpec } from '../index/index_spec.ts';

describe('a rollback', () => {
  test('brings back options, indexes, views and what capped collections had dropped', async () => {
    const member = await TestData.open();
    const { data } = member;
    createCollection(data, 'db.c', encodeDocument({ capped: true, size: 4096, max: 3 }));
    member.index('db.c', { a: 1 });
    for (let i = 0; i < 3; i++) member.insert('db.c', { _id: i });
    createCollection(data, viewsNamespace('db'));
    member.insert('db.system.views', { _id: 'db.old', viewOn: 'c', pipeline: [] });
    const commonPoint = await member.checkpoint();

    const collection = member.collection('db.c');
    const o = { collMod: 'c', validator: { a: 1 }, cappedMax: 1, index: { name: 'a_1', hidden: true } };
    modifyCollection(data, collection, encodeDocument(o), encodeDocument({}));
    createEmptyIndex(
      data,
      createCollection(data, 'db.new'),
      storedIndexSpec(encodeDocument({ key: { b: 1 }, name: 'b' })),
    );
    for (let i = 3; i < 6; i++) member.insert('db.c', { _id: i, a: 1 });
    member.insert('db.system.views', { _id: 'db.young', viewOn: 'c', pipeline: [] });
    member.delete('db.system.views', { _id: 'db.old' });
    expect(member.find('db.c')).toHaveLength(1);

    data.acceptsWrites = false;
    await data.rollBackTo(commonPoint, () => {});
    const back = member.collection('db.c');
    expect(member.find('db.c').map(({ _id }) => _id)).toEqual([0, 1, 2]);
    expect(back.capped).toEqual({ sizeBytes: 4096, documents: 3 });
    expect(back.validator).toBeUndefined();
    expect(back.index('a_1')?.spec.isHidden).toBe(false);
    expect(data.catalog.find('db.new')).toBeUndefined();
    expect(findView(data.catalog, 'db.old')).toBeDefined();
    expect(findView(data.catalog, 'db.young')).toBeUndefined();

    data.acceptsWrites = true;
    member.insert('db.c', { _id: 9 });
    expect(member.find('db.c').map(({ _id }) => _id)).toEqual([1, 2, 9]);
  });
});
