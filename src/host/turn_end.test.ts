import { expect, test } from 'vitest';
import { TurnEnd, type Flushable } from './turn_end.ts';

function noting(log: string[], name: string): Flushable {
  return { flush: () => void log.push(`${name} leaves`) };
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('callbacks come before anything leaves, in whatever order they were asked for', async () => {
  const log: string[] = [];
  const turnEnd = new TurnEnd();
  turnEnd.flushAfter(noting(log, 'a reply'));
  turnEnd.after(() => log.push('the journal is handed over'));
  turnEnd.flushAfter(noting(log, 'another'));
  expect(log).toEqual([]);
  await nextTurn();
  await nextTurn();
  expect(log).toEqual(['the journal is handed over', 'a reply leaves', 'another leaves']);
});

test('what a callback wakes is sent in the same turn, and a callback asked for by it still comes first', async () => {
  const log: string[] = [];
  const turnEnd = new TurnEnd();
  turnEnd.after(() => {
    void Promise.resolve()
      .then(() => turnEnd.flushAfter(noting(log, 'what was woken')))
      .then(() => turnEnd.after(() => log.push('its write is handed over')));
  });
  turnEnd.flushAfter(noting(log, 'the rest'));
  await nextTurn();
  await nextTurn();
  expect(log).toEqual(['its write is handed over', 'the rest leaves', 'what was woken leaves']);
});

test('a turn that takes long ends between two of its events', () => {
  const log: string[] = [];
  const turnEnd = new TurnEnd();
  turnEnd.after(() => log.push('the journal is handed over'));
  turnEnd.flushAfter(noting(log, 'a reply'));
  turnEnd.maybeEndEarly();
  expect(log).toEqual([]);
  const began = performance.now();
  while (performance.now() - began < 2);
  turnEnd.maybeEndEarly();
  expect(log).toEqual(['the journal is handed over', 'a reply leaves']);
});
