import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { encodeDocument } from './codec.ts';
import { rawObject } from './value.ts';
import { valueHash } from './value_hash.ts';

const OBJECT = 20;
const ARRAY = 25;
const STRING = 15;
const NUMBER = 10;

/** What is hashed, written down piece by piece. */
class Pieces {
  readonly #hash = createHash('md5');

  int32(value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    this.#hash.update(bytes);
    return this;
  }

  text(text: string): this {
    this.#hash.update(text);
    return this;
  }

  hash(): bigint {
    return this.#hash.digest().readBigInt64LE(0);
  }
}

test('large and small pieces are hashed in their order', () => {
  const pieces = new Pieces().int32(0).int32(OBJECT);
  const text = 'x'.repeat(10_000);
  pieces.int32(ARRAY).text('a\0');
  for (let i = 0; i < 3000; i++) {
    pieces.int32(NUMBER).text(`${i}\0`);
    pieces.int32(i - 1500).int32(i < 1500 ? -1 : 0);
  }
  pieces.int32(0).text('\0');
  pieces.int32(STRING).text('s\0');
  pieces.int32(text.length + 1).text(`${text}\0`);
  pieces.int32(STRING).text('t\0');
  pieces.int32(2).text('y\0');
  pieces.int32(0).text('\0');
  const document = { a: Array.from({ length: 3000 }, (_, i) => i - 1500), s: text, t: 'y' };
  expect(valueHash(rawObject(encodeDocument(document)))).toBe(pieces.hash());
});
