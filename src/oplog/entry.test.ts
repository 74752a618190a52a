import { describe, expect, test } from 'vitest';
import { OPTIME_NULL, termOf, timestampOf } from '../base/optime.ts';
import { unixMs } from '../base/units.ts';
import { decodeDocument, encodeDocument } from '../bson/codec.ts';
import { EntryBuilder, EntryView, entryOpTime, readEntryHead, type EntryStamp } from './entry.ts';

const OPTIME = { ts: timestampOf(1_795_230_051, 3), t: termOf(1) };
const STAMP: EntryStamp = { optime: OPTIME, wall: unixMs(1_795_230_051_333) };
const UI = Uint8Array.from({ length: 16 }, (_, i) => i);
const LSID = encodeDocument({ id: 'session', uid: 'user' });

describe('entries', () => {
  test('fields come in the order of MongoDB 8.0', () => {
    const builder = new EntryBuilder();
    const entry = builder.build(
      { op: 'i', ns: 'test.c', ui: UI, o: encodeDocument({ _id: 1, x: 2 }), o2: encodeDocument({ _id: 1 }) },
      { ...STAMP, session: { lsid: LSID, txnNumber: 5, stmtId: 0, prevOpTime: OPTIME_NULL } },
    );
    expect(Object.keys(decodeDocument(entry))).toEqual([
      'lsid',
      'txnNumber',
      'op',
      'ns',
      'ui',
      'o',
      'o2',
      'stmtId',
      'ts',
      't',
      'v',
      'wall',
      'prevOpTime',
    ]);
    expect(decodeDocument(entry)).toMatchObject({
      txnNumber: 5n,
      op: 'i',
      ns: 'test.c',
      o: { _id: 1, x: 2 },
      o2: { _id: 1 },
      t: 1n,
      v: 2n,
      wall: new Date(1_795_230_051_333),
    });
  });

  test('a no-op has only what it needs', () => {
    const entry = new EntryBuilder().build(
      { op: 'n', ns: '', o: encodeDocument({ msg: 'initiating set' }) },
      { ...STAMP, optime: { ts: OPTIME.ts, t: termOf(-1) } },
    );
    expect(Object.keys(decodeDocument(entry))).toEqual(['op', 'ns', 'o', 'ts', 't', 'v', 'wall']);
    expect(entryOpTime(entry)).toEqual({ ts: OPTIME.ts, t: -1 });
  });

  test('the images of findAndModify stand before the times', () => {
    const entry = new EntryBuilder().build(
      {
        op: 'u',
        ns: 'test.c',
        ui: UI,
        o: encodeDocument({ $v: 2, diff: {} }),
        o2: encodeDocument({ _id: 1 }),
        upsert: false,
        needsRetryImage: 'postImage',
        preImageOpTime: OPTIME,
        postImageOpTime: OPTIME,
      },
      { ...STAMP, session: { lsid: LSID, txnNumber: 7n, stmtId: [1, 2] }, multiOpType: 1 },
    );
    expect(Object.keys(decodeDocument(entry)).join(' ')).toBe(
      'lsid txnNumber op ns ui o o2 b stmtId needsRetryImage preImageOpTime postImageOpTime ts t v wall multiOpType',
    );
    const view = new EntryView().reset(entry);
    expect(view.needsRetryImage).toBe('postImage');
    expect(view.stmtIds()).toEqual([1, 2]);
    expect(view.txnNumber).toBe(7);
  });

  test('the head is read without decoding', () => {
    const entry = new EntryBuilder().build({ op: 'd', ns: 'käse.c', o: encodeDocument({ _id: 1 }) }, STAMP);
    expect(readEntryHead(entry)).toEqual({ ...OPTIME, op: 'd', ns: 'käse.c', wall: STAMP.wall });
  });

  test('operations inside applyOps are seen where they lie', () => {
    const builder = new EntryBuilder();
    const inner = builder.buildInner({ op: 'i', ns: 'a.b', ui: UI, o: encodeDocument({ _id: 9 }) }, 3);
    expect(Object.keys(decodeDocument(inner))).toEqual(['op', 'ns', 'ui', 'o', 'stmtId']);
    const around = new Uint8Array(inner.length + 20);
    around.set(inner, 10);
    const view = new EntryView().reset(around, 10);
    expect(view.op).toBe('i');
    expect(view.isCrud).toBe(true);
    expect(view.ns()).toBe('a.b');
    expect(view.ui()).toEqual(UI);
    expect(decodeDocument(view.documentAt(view.oAt) ?? inner)).toEqual({ _id: 9 });
    expect(view.documentAt(view.o2At)).toBeUndefined();
    expect(view.stmtIds()).toEqual([3]);
  });

  test('a view that is used again remembers nothing', () => {
    const builder = new EntryBuilder();
    const stamp = { ...STAMP, session: { lsid: LSID, txnNumber: 5, stmtId: 4, prevOpTime: OPTIME } };
    const o = encodeDocument({ _id: 1 });
    const view = new EntryView().reset(builder.build({ op: 'u', ns: 'a.b', ui: UI, o, o2: o, upsert: true }, stamp));
    expect(view.upsert).toBe(true);
    view.reset(builder.build({ op: 'n', ns: '', o }, STAMP));
    expect([view.lsidAt, view.o2At, view.uiAt, view.txnNumber, view.prevOpTimeAt]).toEqual([-1, -1, -1, 0, -1]);
    expect([view.upsert, view.stmtIds(), view.ns()]).toEqual([false, [], '']);
  });
});
