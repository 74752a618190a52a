/**
 * Capped collections drop their oldest documents to stay within their limits. The primary does so after each insert and
 * logs every removal; all others remove what the log says, so that all members hold the same documents.
 */
import { CommandError } from '../../base/command_error.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import { CAPPED_DOCUMENTS_MAX, type CappedLimits, type OptionName, type OptionWriter } from './collection_options.ts';
import type { Collection } from './collection.ts';

/** Throws BadValue for a document that alone is larger than its collection may be. */
export function checkFits(limits: CappedLimits, document: Uint8Array): void {
  if (document.length <= limits.sizeBytes) return;
  throw new CommandError('BadValue', 'object to insert exceeds cappedMaxSize');
}

/** The oldest document, when the collection has too many and it is not the last one. */
export function surplusOf(
  collection: Collection,
  limits: CappedLimits,
): { readonly recordId: Uint8Array; readonly document: Uint8Array } | undefined {
  if (collection.count <= 1 || !isOver(collection, limits)) return undefined;
  const cursor = collection.documents.cursor({ from: collection.oldestHint, fromInclusive: false });
  if (!cursor.next()) return undefined;
  const recordId = cursor.key;
  collection.oldestHint = recordId;
  return { recordId, document: cursor.value };
}

function isOver(collection: Collection, { sizeBytes, documents }: CappedLimits): boolean {
  return collection.dataSizeBytes > sizeBytes || collection.count > documents;
}

/** Sizes are rounded up to this. */
const SIZE_STEP = 256;

/** What makes a collection capped, in its stored form; `max` undefined: any number of documents. */
export function cappedOptions(size: number, max: number | undefined): Map<OptionName, OptionWriter> {
  const options = new Map<OptionName, OptionWriter>();
  options.set('capped', (writer) => writer.bool('capped', true));
  options.set('size', cappedSizeOption(size));
  if (max !== undefined) options.set('max', cappedMaxOption(max));
  return options;
}

export function cappedSizeOption(size: number): OptionWriter {
  return (writer) => writeAmount(writer, 'size', Math.ceil(size / SIZE_STEP) * SIZE_STEP);
}

/** 0 and less stand for no limit. */
export function cappedMaxOption(max: number): OptionWriter {
  return (writer) => writeAmount(writer, 'max', max <= 0 ? CAPPED_DOCUMENTS_MAX : max);
}

/** As MongoDB stores amounts: int32 below 2^30, then double, and int64 from 2^40 on. */
function writeAmount(writer: BsonWriter, name: string, amount: number): BsonWriter {
  if (amount < 2 ** 30) return writer.int32(name, amount);
  return amount < 2 ** 40 ? writer.double(name, amount) : writer.int64(name, amount);
}
