/**
 * Capped collections drop their oldest documents to stay within their limits. The primary does so after each insert and
 * logs every removal; all others remove what the log says, so that all members hold the same documents.
 */
import { CommandError } from '../base/command_error.ts';
import type { CappedLimits } from './collection_options.ts';
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
