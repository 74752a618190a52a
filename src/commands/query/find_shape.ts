/**
 * The arguments of a find that is like many others, read in one walk without making text of them, and with them the shape of the
 * query: its filter without values, and its sort, projection and hint as they are.
 */
import { ElementReader } from '../../bson/elements.ts';
import { fieldName } from '../../bson/bytes.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { numberOf } from '../../bson/value.ts';
import { ShapeWriter } from '../../query/match/filter_shape.ts';
import { FIRST_BATCH_DOCUMENTS } from './cursor_reply.ts';
import { EMPTY_DOCUMENT } from '../empty_document.ts';
import { genericBit } from '../request.ts';

/** Stand in front of what of the arguments belongs to the shape. */
const SORT_MARK = 0xf1;
const PROJECTION_MARK = 0xf2;
const HINT_MARK = 0xf3;
const FILTER_MARK = 0xf4;

/** Reused: what was read is valid until the next `read`. */
export class FindShape extends ShapeWriter {
  /** A view of the request. */
  filterBytes: Uint8Array = EMPTY_DOCUMENT;
  limit = Infinity;
  skip = 0;
  batchSize = FIRST_BATCH_DOCUMENTS;
  isSingleBatch = false;
  readonly #arguments = new ElementReader();

  /** False when the find has to be parsed in full: it asks for more, or something is wrong with it. */
  read(body: Uint8Array): boolean {
    this.reset();
    this.filterBytes = EMPTY_DOCUMENT;
    this.limit = Infinity;
    this.skip = 0;
    this.batchSize = FIRST_BATCH_DOCUMENTS;
    this.isSingleBatch = false;
    let seen = 0;
    let seenGeneric = 0;
    const reader = this.#arguments.reset(body, 0);
    if (!reader.next() || reader.type !== BSON_TYPE.string) return false;
    while (reader.next()) {
      const argument = argumentAt(reader);
      const bit = argument?.bit ?? genericBit(reader);
      if (bit === 0 || ((argument === undefined ? seenGeneric : seen) & bit) !== 0) return false;
      if (argument === undefined) seenGeneric |= bit;
      else if (argument.take(this, reader)) seen |= bit;
      else return false;
    }
    return true;
  }

  /** Adds a document as it is. */
  document(mark: number, { bytes, type, start, end }: ElementReader): boolean {
    this.byte(mark);
    return type === BSON_TYPE.object && this.range(bytes, start, end);
  }

  hint({ bytes, type, start, end }: ElementReader): boolean {
    this.byte(HINT_MARK);
    this.byte(type);
    return (type === BSON_TYPE.object || type === BSON_TYPE.string) && this.range(bytes, start, end);
  }

  takeFilter({ bytes, type, start, end }: ElementReader): boolean {
    if (type !== BSON_TYPE.object) return false;
    this.filterBytes = bytes.subarray(start, end);
    this.byte(FILTER_MARK);
    return this.filter(this.filterBytes);
  }
}

/** An argument of find itself. */
interface FindArgument {
  readonly name: Uint8Array;
  /** One of its own. */
  readonly bit: number;
  /** False when its value is not an ordinary one. */
  readonly take: (shape: FindShape, reader: ElementReader) => boolean;
}

/** By the length of their names. */
const ARGUMENTS: FindArgument[][] = [];
let argumentCount = 0;

function argument(text: string, take: FindArgument['take']): void {
  const name = fieldName(text);
  (ARGUMENTS[name.length] ??= []).push({ name, bit: 2 ** argumentCount++, take });
}

argument('filter', (shape, reader) => shape.takeFilter(reader));
argument('sort', (shape, reader) => shape.document(SORT_MARK, reader));
argument('projection', (shape, reader) => shape.document(PROJECTION_MARK, reader));
argument('hint', (shape, reader) => shape.hint(reader));
argument('skip', (shape, reader) => {
  shape.skip = wholeNumber(reader);
  return shape.skip >= 0;
});
argument('limit', (shape, reader) => {
  const limit = wholeNumber(reader);
  shape.limit = limit === 0 ? Infinity : limit;
  return limit >= 0;
});
// A batch without documents only opens the cursor.
argument('batchSize', (shape, reader) => {
  shape.batchSize = wholeNumber(reader);
  return shape.batchSize > 0;
});
argument('singleBatch', (shape, { bytes, type, start }) => {
  shape.isSingleBatch = bytes[start] !== 0;
  return type === BSON_TYPE.bool;
});

function argumentAt(reader: ElementReader): FindArgument | undefined {
  const candidates = ARGUMENTS[reader.nameEnd - reader.nameStart];
  if (candidates === undefined) return undefined;
  for (const candidate of candidates) if (reader.nameEquals(candidate.name)) return candidate;
  return undefined;
}

/** -1 for what is none. */
function wholeNumber(reader: ElementReader): number {
  if (!isNumericType(reader.type)) return -1;
  const number = Math.trunc(numberOf(reader));
  return number >= 0 ? number : -1;
}
