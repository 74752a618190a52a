import { describe, expect, test } from 'vitest';
import { ListSource } from './list_source.ts';
import { PAUSE } from './source.ts';

describe('a list of documents', () => {
  test('pauses when the turn is over, also when it is empty', () => {
    let leftMs = -1;
    const list = new ListSource([], { leftMs: () => leftMs });
    expect(list.next()).toBe(PAUSE);
    leftMs = 1;
    expect(list.next()).toBeUndefined();
  });
});
