import { serialize } from 'bson';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { documentSamples, type Model } from '../../tests/support/arbitrary_bson.ts';
import { CommandError } from '../base/command_error.ts';
import { BSON_MESSAGE_DEPTH_MAX, BSON_OBJECT_SIZE_BYTES_MAX, BSON_STORED_DEPTH_MAX } from '../base/limits.ts';
import { writeInt32 } from './bytes.ts';
import { documentSize, ElementReader } from './elements.ts';
import { BSON_TYPE } from './types.ts';
import { documentDepth, STORED_DOCUMENT_LIMITS, validateDocument } from './validate.ts';
import { BsonWriter } from './writer.ts';

function bytesOf(object: object): Uint8Array {
  return new Uint8Array(serialize(object));
}

/** A document of so many levels, itself counting as 1, of documents and arrays in turn. */
function nested(levels: number): Uint8Array {
  const writer = new BsonWriter().startDocument();
  for (let i = 1; i < levels; i++) writer[i % 2 === 0 ? 'startSubdocument' : 'startArray'](i % 2 === 0 ? 0 : 'a');
  for (let i = 1; i < levels; i++) writer.end();
  return writer.endDocument().finish();
}

function errorOf(run: () => unknown): CommandError {
  try {
    run();
  } catch (error) {
    if (error instanceof CommandError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

function elementDocument(type: number, value: readonly number[], name: readonly number[] = [0x61]): Uint8Array {
  const bytes = Uint8Array.of(0, 0, 0, 0, type, ...name, 0, ...value, 0);
  writeInt32(bytes, 0, bytes.length);
  return bytes;
}

function depthOf(model: Model): number {
  return model.kind === 'list' ? 1 + Math.max(0, ...model.items.map((item) => depthOf(item.model))) : 0;
}

describe('a document', () => {
  test('of any types is accepted wherever it lies', () => {
    fc.assert(
      fc.property(documentSamples, fc.nat({ max: 5 }), ({ bytes, fields }, at) => {
        const padded = new Uint8Array(bytes.length + at + 2).fill(0xee);
        padded.set(bytes, at);
        const depth = Math.max(0, ...fields.map(({ sample }) => depthOf(sample.model))) + 1;
        // Code with scope counts as a level more than its scope.
        expect(validateDocument(padded, at)).toBeGreaterThanOrEqual(depth);
        expect(documentDepth(bytes)).toBeLessThanOrEqual(depth);
      }),
      { numRuns: 3000 },
    );
  });

  test('that is damaged anywhere is refused with a CommandError, or can be walked to its end', () => {
    const damage = fc.tuple(fc.nat(), fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(0, 1, 127, 128, 255)));
    fc.assert(
      fc.property(documentSamples, fc.array(damage, { minLength: 1, maxLength: 3 }), ({ bytes }, damages) => {
        const damaged = bytes.slice();
        for (const [at, byte] of damages) damaged[at % damaged.length] = byte;
        try {
          validateDocument(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(CommandError);
          return;
        }
        walk(damaged, 0, documentSize(damaged));
      }),
      { numRuns: 20_000 },
    );
  });

  test('that is cut short is refused', () => {
    const bytes = bytesOf({ a: { b: 'text' }, c: [1, 2] });
    for (let length = 0; length < bytes.length; length++) {
      expect(errorOf(() => validateDocument(bytes.slice(0, length))).code).toBe(22);
    }
  });

  /** Every range the reader reports must lie inside the document it walks. */
  function walk(bytes: Uint8Array, at: number, limit: number): void {
    const reader = new ElementReader(bytes, at);
    while (reader.next()) {
      expect(reader.end).toBeLessThan(limit);
      if (reader.type === BSON_TYPE.object || reader.type === BSON_TYPE.array) walk(bytes, reader.start, reader.end);
    }
    expect(reader.end).toBe(limit - 1);
  }
});

describe('InvalidBSON (22) is the answer to', () => {
  test.each([
    ['an unknown type', elementDocument(0x50, []), "Unrecognized BSON type in element with field name 'a'"],
    ['a string without end', elementDocument(2, [1, 0, 0, 0, 65]), 'Not null terminated string'],
    ['a string without room', elementDocument(2, [0, 0, 0, 0]), 'Not null terminated string'],
    ['a string past the end', elementDocument(2, [9, 0, 0, 0, 0]), 'extends past the end'],
    ['a string of negative length', elementDocument(2, [255, 255, 255, 255, 0]), 'Not null terminated string'],
    ['a bool that is 2', elementDocument(8, [2]), 'BSON bool is neither false nor true'],
    ['a number past the end', elementDocument(1, [0, 0]), 'extends past the end'],
    ['binary data past the end', elementDocument(5, [3, 0, 0, 0, 0, 1]), 'extends past the end'],
    ['a document of length 4', elementDocument(3, [4, 0, 0, 0]), 'Invalid BSON length'],
    ['an end inside', elementDocument(0, [1, 2]), 'Incorrect BSON length'],
    ['a name that is not UTF-8', elementDocument(10, [], [0xc3, 0x28]), 'Field name is not valid UTF-8'],
    ['a regex without options', elementDocument(11, [65, 0]), 'extends past the end'],
    ['four bytes', Uint8Array.of(4, 0, 0, 0), 'at least 5 bytes'],
    ['a size of zero', Uint8Array.of(0, 0, 0, 0, 0), 'at least 5 bytes'],
  ])('%s', (_, bytes, message) => {
    const error = errorOf(() => validateDocument(bytes));
    expect([error.code, error.codeName]).toEqual([22, 'InvalidBSON']);
    expect(error.message).toContain(message);
  });

  test('a bad value deep inside, named by its path', () => {
    const bytes = bytesOf({ first: [1, 'x'], a: { b: [{ ok: 1 }, { c: true }] } });
    bytes[bytes.lastIndexOf(1)] = 7;
    expect(errorOf(() => validateDocument(bytes)).message).toContain("'a.b.1.c'");
  });
});

test('names may hold any UTF-8, and string values any bytes', () => {
  expect(validateDocument(bytesOf({ 'ключ👋': 1, '': 2, 'a.b': 3, $x: 4 }))).toBe(1);
  expect(validateDocument(elementDocument(2, [3, 0, 0, 0, 0xc3, 0x28, 0]))).toBe(1);
});

describe('nesting', () => {
  test('is counted with the document itself as 1', () => {
    expect(validateDocument(nested(1))).toBe(1);
    expect(validateDocument(nested(7))).toBe(7);
    expect(documentDepth(nested(7))).toBe(7);
  });

  // The recorded server took documents of 180 levels and refused 181.
  test('may be 180 levels in what is stored', () => {
    expect(validateDocument(nested(180), 0, STORED_DOCUMENT_LIMITS)).toBe(BSON_STORED_DEPTH_MAX);
    expect(errorOf(() => validateDocument(nested(181), 0, STORED_DOCUMENT_LIMITS)).code).toBe(15);
  });

  test('may be 200 levels below the document in a message', () => {
    expect(validateDocument(nested(201))).toBe(BSON_MESSAGE_DEPTH_MAX);
    const error = errorOf(() => validateDocument(nested(202)));
    expect([error.code, error.codeName]).toEqual([15, 'Overflow']);
    expect(error.message).toMatch(
      /^BSONObj exceeds maximum nested object depth in element with field name 'a\.0\.a\.0/,
    );
  });
});

test('a document over 16 MiB is refused with BSONObjectTooLarge (10334), one of exactly 16 MiB may be stored', () => {
  const overhead = new BsonWriter().startDocument().binData('d', 0, new Uint8Array(0)).endDocument().length;
  const data = new Uint8Array(BSON_OBJECT_SIZE_BYTES_MAX - overhead);
  const largest = new BsonWriter().startDocument().binData('d', 0, data).endDocument().finish();
  expect(largest).toHaveLength(BSON_OBJECT_SIZE_BYTES_MAX);
  expect(validateDocument(largest, 0, STORED_DOCUMENT_LIMITS)).toBe(1);
  const larger = new BsonWriter().startDocument().bool('x', true).fieldsOf(largest).endDocument().finish();
  expect(validateDocument(larger)).toBe(1);
  expect(errorOf(() => validateDocument(larger, 0, STORED_DOCUMENT_LIMITS)).code).toBe(10334);
});
