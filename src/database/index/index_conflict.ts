/**
 * Whether two index specifications are the same index. What an index *is* are its key, its collation, its filter, its
 * wildcard projection, and whether it is unique and sparse: of these there is one index in a collection, under one name, with one set of options.
 */
import { CommandError } from '../../base/command_error.ts';
import { equalBytes } from '../../bson/bytes.ts';
import { compareDocuments } from '../../bson/compare.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { describeDocument } from '../../query/describe.ts';
import { serializePredicate } from '../../query/match/serialize_predicate.ts';
import type { IndexSpec } from '../index_kinds/index_kind.ts';

/** Throws 67, 85 or 86 when the two cannot both be in a collection; otherwise whether they are the same. */
export function isSameIndex(existing: IndexSpec, wanted: IndexSpec): boolean {
  const sameName = existing.name === wanted.name;
  const sameIdentity = isSameIdentity(existing, wanted);
  if (!sameIdentity && existing.kind.name === 'text' && wanted.kind.name === 'text') {
    const text = `only one text index per collection allowed, found existing text index "${existing.name}"`;
    throw new CommandError('CannotCreateIndex', text);
  }
  if (!sameName && !sameIdentity) return false;
  const both = `Requested index: ${describeDocument(wanted.document)}, existing index: ${describeDocument(existing.document)}`;
  if (!sameIdentity) {
    const text = `An existing index has the same name as the requested index. ${both}`;
    throw new CommandError('IndexKeySpecsConflict', text);
  }
  const sameOptions = equalBytes(optionsOf(existing), optionsOf(wanted));
  if (!sameName) {
    const text = sameOptions
      ? `Index already exists with a different name: ${existing.name}`
      : `An equivalent index already exists with a different name and options. ${both}`;
    throw new CommandError('IndexOptionsConflict', text);
  }
  if (sameOptions) return true;
  const text = `An equivalent index already exists with the same name but different options. ${both}`;
  throw new CommandError('IndexOptionsConflict', text);
}

function isSameIdentity(a: IndexSpec, b: IndexSpec): boolean {
  return (
    a.isUnique === b.isUnique &&
    a.isSparse === b.isSparse &&
    compareDocuments(a.key, 0, b.key, 0) === 0 &&
    equalMaybe(a.collation, b.collation) &&
    equalMaybe(filterOf(a), filterOf(b)) &&
    equalMaybe(a.wildcardProjection, b.wildcardProjection)
  );
}

function equalMaybe(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return compareDocuments(a, 0, b, 0) === 0;
}

function filterOf({ partialFilter }: IndexSpec): Uint8Array | undefined {
  return partialFilter === undefined ? undefined : serializePredicate(partialFilter.predicate);
}

/** What is part of the identity, the name, a version, or how it came to be. */
const NO_OPTIONS: ReadonlySet<string> = new Set([
  'v',
  'key',
  'name',
  'background',
  'hidden',
  'collation',
  'partialFilterExpression',
  'wildcardProjection',
  'textIndexVersion',
  '2dsphereIndexVersion',
]);

function optionsOf({ document }: IndexSpec): Uint8Array {
  const reader = new ElementReader(document);
  const options: { readonly name: string; readonly from: number; readonly to: number }[] = [];
  while (reader.next()) {
    if (!NO_OPTIONS.has(reader.name()))
      options.push({ name: reader.name(), from: reader.elementStart, to: reader.end });
  }
  options.sort((a, b) => (a.name < b.name ? -1 : 1));
  const writer = new BsonWriter().startDocument();
  for (const { from, to } of options) writer.element(document, from, to);
  return writer.endDocument().finish();
}
