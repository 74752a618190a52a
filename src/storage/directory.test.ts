import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { manualEnv } from '../../tests/support/manual_env.ts';
import { NO_LOG } from '../base/log.ts';
import { compareBytes } from '../bson/bytes.ts';
import { termOf, type Timestamp } from '../base/optime.ts';
import { BlockRef, Directory } from './directory.ts';
import { shortestSeparator } from './key_order.ts';
import { MemoryBaseStore } from './memory_base_store.ts';
import { Store } from './store.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('a key belongs to the last block whose separator is not above it', () => {
  const refs = ['', 'b', 'bb', 'd'].map((separator) => new BlockRef(bytes(separator), bytes(separator)));
  const directory = new Directory(refs);
  const blocks = ['', 'a', 'b', 'ba', 'bb', 'bc', 'd', 'z'].map((key) => directory.indexOf(bytes(key)));
  expect(blocks).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
  expect(new Directory([]).indexOf(bytes('a'))).toBe(-1);
});

test('whatever separators have in common, the block found is the one that a walk over all of them finds', () => {
  const tail = fc.uint8Array({ maxLength: 9 });
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 9 }),
      fc.array(tail, { maxLength: 60 }),
      fc.array(tail),
      (common, tails, others) => {
        const behind = (rest: Uint8Array): Uint8Array => Uint8Array.of(...common, ...rest);
        const separators = tails.map(behind).filter((separator) => separator.length > 0);
        separators.sort(compareBytes);
        const distinct = separators.filter((key, i) => i === 0 || compareBytes(separators[i - 1], key) < 0);
        const all = [new Uint8Array(0), ...distinct];
        const directory = new Directory(all.map((separator) => new BlockRef(separator, separator)));
        for (const key of [...all, ...others, ...others.map(behind)]) {
          expect(directory.indexOf(key)).toBe(all.findLastIndex((separator) => compareBytes(separator, key) <= 0));
        }
      },
    ),
  );
});

test('a separator is as short as it can be', () => {
  expect(shortestSeparator(bytes('apple'), bytes('bean'))).toEqual(bytes('b'));
  expect(shortestSeparator(bytes('apple'), bytes('apply'))).toEqual(bytes('apply'));
  expect(shortestSeparator(bytes('app'), bytes('apple'))).toEqual(bytes('appl'));
});

describe('keys that differ only behind the 512th byte', () => {
  const keyOf = (n: number): Uint8Array => {
    const key = new Uint8Array(2000).fill(1);
    key[1999] = n;
    return key;
  };

  test('are in order after a restart, whatever the order they came in', async () => {
    const base = new MemoryBaseStore();
    const options = { base, env: manualEnv(), log: NO_LOG, onFailure: () => {} };
    const store = await Store.open(options);
    const table = store.createTable({ kind: 'index', replicated: true });
    let at = 0;
    for (const first of [150, 50, 100, 0, 200]) {
      at += 1;
      for (let n = first; n < first + 50; n++) table.put(keyOf(n), new Uint8Array(500), at as Timestamp);
      store.setStable({ ts: at as Timestamp, t: termOf(1) });
      await store.checkpoint();
    }
    const names = base.keys(table.id).map((name) => name.length);
    expect(names.filter((length) => length === 520).length).toBeGreaterThan(15);
    const again = (await Store.open(options)).table(table.id);
    const cursor = again.cursor();
    const seen: (number | undefined)[] = [];
    while (cursor.next()) seen.push(cursor.key[1999]);
    expect(seen).toEqual(Array.from({ length: 250 }, (_, n) => n));
    expect(again.has(keyOf(120))).toBe(true);
  });
});
