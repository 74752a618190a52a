import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { valueSamples } from '../../tests/support/arbitrary_bson.ts';
import { isPlainInKey, keyPartEnd, readKeyPart } from './key_reader.ts';
import { KeyWriter } from './key.ts';

const RUNS = { numRuns: 5000 };

describe('parts of keys', () => {
  test('tell their own end', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(valueSamples, fc.boolean()), { minLength: 1, maxLength: 4 }), (parts) => {
        const writer = new KeyWriter();
        const ends = parts.map(([sample, descending]) => writer.append(sample.raw, descending).length);
        const key = writer.appendBytes(Uint8Array.of(1, 2, 3)).finish();
        let at = 0;
        for (const [i, [, descending]] of parts.entries()) {
          at = keyPartEnd(key, at, descending);
          expect(at).toBe(ends[i]);
        }
      }),
      RUNS,
    );
  });

  test('give plain values back as they were', () => {
    fc.assert(
      fc.property(valueSamples, fc.boolean(), ({ raw }, descending) => {
        fc.pre(isPlainInKey(raw));
        const key = new KeyWriter().append(raw, descending).finish();
        const read = readKeyPart(key, 0, key.length, descending);
        expect(read?.type).toBe(raw.type);
        expect(read?.bytes.slice(read.start, read.end)).toEqual(raw.bytes.slice(raw.start, raw.end));
      }),
      RUNS,
    );
  });
});
