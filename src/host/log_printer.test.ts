import { expect, test } from 'vitest';
import type { LogLine } from '../base/log.ts';
import { jsonLine, plainLine } from './log_printer.ts';

const NOW = new Date('2026-11-21T03:13:24.336Z');
const LINE: LogLine = {
  severity: 'I',
  component: 'NETWORK',
  id: 23_016,
  context: 'listener',
  message: 'Waiting for connections',
  attributes: { port: 27017, big: 5n },
};

test('a line is one JSON document in the form of MongoDB', () => {
  expect(jsonLine(LINE, NOW)).toBe(
    '{"t":{"$date":"2026-11-21T03:13:24.336+00:00"},"s":"I",  "c":"NETWORK",  "id":23016,   "ctx":"listener",' +
      '"msg":"Waiting for connections","attr":{"port":27017,"big":5}}\n',
  );
});

test('a line without attributes has none', () => {
  expect(JSON.parse(jsonLine({ ...LINE, attributes: {} }, NOW))).not.toHaveProperty('attr');
});

test('a plain line is for people', () => {
  expect(plainLine(LINE, NOW)).toBe('03:13:24.336 I NETWORK Waiting for connections port=27017 big=5\n');
});
