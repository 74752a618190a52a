import { beforeEach, describe, expect, test } from 'vitest';
import { manualEnv } from '../../tests/support/manual_env.ts';
import { DataError } from '../base/data_error.ts';
import type { Env } from '../base/env.ts';
import { MemoryFiles } from '../base/memory_files.ts';
import { termOf, timestampOf } from '../base/optime.ts';
import { LocalState } from './local_state.ts';

let files: MemoryFiles;

beforeEach(() => {
  files = new MemoryFiles();
});

function open(): LocalState {
  return LocalState.open({ files } as unknown as Env, (error) => {
    throw error;
  });
}

function contentOf(path: string): Uint8Array {
  const file = files.open(path);
  const bytes = new Uint8Array(file.size());
  file.read(bytes, 0);
  return bytes;
}

describe('what a member remembers of itself', () => {
  test('starts empty with rollback id 1', () => {
    expect(open().values).toMatchObject({
      config: undefined,
      lastVote: undefined,
      rollbackId: 1,
      initialSyncRunning: false,
    });
  });

  test('is all there when the file is read again', async () => {
    const id = Uint8Array.from({ length: 16 }, (_, i) => i);
    const state = open();
    await state.update({ setName: 'rs0', config: { _id: 'rs0', version: 1 }, initialSyncId: id });
    await state.update({
      lastVote: { term: termOf(7), candidateIndex: 2 },
      rollbackId: 3,
      initialSyncRunning: true,
      initialDataOpTime: { ts: timestampOf(100, 2), t: termOf(6) },
    });
    const again = open().values;
    expect(again).toMatchObject({
      setName: 'rs0',
      config: { _id: 'rs0', version: 1 },
      lastVote: { term: 7, candidateIndex: 2 },
      rollbackId: 3,
      initialSyncRunning: true,
      initialDataOpTime: { ts: timestampOf(100, 2), t: 6 },
    });
    expect([...(again.initialSyncId ?? [])]).toEqual([...id]);
  });

  test('changes made together share one write, and each promise waits for it', async () => {
    const state = open();
    const first = state.update({ rollbackId: 2 });
    const second = state.update({ setName: 'rs0' });
    expect(second).toBe(first);
    await second;
    expect(open().values).toMatchObject({ rollbackId: 2, setName: 'rs0' });
  });

  test('a change during a write is written after it', async () => {
    const state = open();
    const first = state.update({ rollbackId: 2 });
    await Promise.resolve();
    const second = state.update({ rollbackId: 3 });
    await first;
    await second;
    expect(open().values.rollbackId).toBe(3);
  });

  test('a vote in an older term breaks an invariant', async () => {
    const state = open();
    await state.update({ lastVote: { term: termOf(5), candidateIndex: 0 } });
    expect(() => state.update({ lastVote: { term: termOf(4), candidateIndex: 0 } })).toThrow('after one in term 5');
  });

  test('every flipped bit is noticed', async () => {
    await open().update({ setName: 'rs0', rollbackId: 9 });
    const good = contentOf('member.state');
    for (let at = 0; at < good.length; at += 1) {
      const bad = Uint8Array.from(good);
      bad[at] = (bad[at] ?? 0) ^ 0x10;
      files.open('member.state').write(bad, 0);
      expect(() => open(), `byte ${at}`).toThrow(DataError);
    }
  });

  test('data of another version is refused by that name', async () => {
    await open().update({ rollbackId: 2 });
    files.open('member.state').write(Uint8Array.of(2), 4);
    expect(() => open()).toThrow('the data is of version 2, this program reads version 1');
  });

  test('a vote is written on a full disk: the write before it left room', async () => {
    const state = open();
    await state.update({ setName: 'rs0', lastVote: { term: termOf(1), candidateIndex: 0 } });
    files.capacityBytes = 0;
    await state.update({ lastVote: { term: termOf(2), candidateIndex: 0 } });
    expect(open().values.lastVote?.term).toBe(2);
  });

  test('a change that finds no room is written when there is some', async () => {
    const env = { ...manualEnv(), files };
    const state = LocalState.open(env, (error) => {
      throw error;
    });
    files.capacityBytes = 0;
    let isWritten = false;
    const written = state.update({ rollbackId: 2 }).then(() => {
      isWritten = true;
    });
    await env.breathe();
    env.advance(10_000);
    await env.breathe();
    expect(isWritten).toBe(false);
    files.capacityBytes = 100_000;
    env.advance(10_000);
    await written;
    expect(open().values.rollbackId).toBe(2);
  });
});
