/**
 * Changing a collection's options and one of its indexes, as an entry `{collMod: name, …}` says it. The primary checks
 * what a client asks for, brings it into this form and logs it; then all members do what the form says.
 */
import { invariant } from '../../base/invariant.ts';
import type { Timestamp } from '../../base/optime.ts';
import { ElementReader, isEmptyDocument } from '../../bson/elements.ts';
import { isTruthy, numberOf, rawBool, rawInt64, stringOf, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Collection } from '../catalog/collection.ts';
import { cappedSizeOption, cappedMaxOption } from '../catalog/capped.ts';
import { withOptions, type OptionName, type OptionWriter } from '../catalog/collection_options.ts';
import { storedIndexSpec } from '../index/index_spec.ts';
import type { WriteTarget } from './write_documents.ts';

/** Logs the change and carries it out. `o2`: what was there before. */
export function modifyCollection(target: WriteTarget, collection: Collection, o: Uint8Array, o2: Uint8Array): void {
  const at = target.writeLog.command(collection.db, collection.uuid, o, o2);
  applyCollMod(target.catalog, collection, o, at);
  target.writeLog.applied();
}

/** Does what the command document `o` of an entry says. */
export function applyCollMod(catalog: Catalog, collection: Collection, o: Uint8Array, at: Timestamp): void {
  const options = new Map<OptionName, OptionWriter | undefined>();
  let index: RawValue | undefined;
  const reader = new ElementReader(o);
  const isCommand = reader.next() && reader.name() === 'collMod';
  invariant(isCommand, 'the entry is a collMod');
  while (reader.next()) {
    if (reader.name() === 'index') index = reader.value();
    else takeOption(reader.name(), reader.value(), options);
  }
  if (options.size > 0) catalog.setOptions(collection, withOptions(collection.options, options), at);
  if (index !== undefined) changeIndex(catalog, collection, index, at);
}

function takeOption(name: string, value: RawValue, options: Map<OptionName, OptionWriter | undefined>): void {
  switch (name) {
    case 'validator':
      options.set(name, isEmptyDocument(value.bytes, value.start) ? undefined : (writer) => writer.value(name, value));
      return;
    case 'validationLevel':
    case 'validationAction':
      options.set(name, (writer) => writer.value(name, value));
      return;
    case 'changeStreamPreAndPostImages': {
      const enabled = new ElementReader(value.bytes, value.start);
      const isOn = enabled.next() && isTruthy(enabled);
      options.set(name, isOn ? (writer) => writer.value(name, value) : undefined);
      return;
    }
    case 'cappedSize':
      options.set('size', cappedSizeOption(numberOf(value)));
      return;
    case 'cappedMax':
      options.set('max', cappedMaxOption(numberOf(value)));
  }
}

function changeIndex(catalog: Catalog, collection: Collection, change: RawValue, at: Timestamp): void {
  const changes = new Map<string, RawValue | undefined>();
  let name = '';
  const reader = new ElementReader(change.bytes, change.start);
  while (reader.next()) {
    const field = reader.name();
    if (field === 'name') name = stringOf(reader);
    else if (field === 'expireAfterSeconds') changes.set(field, rawInt64(BigInt(Math.trunc(numberOf(reader)))));
    else if (isTruthy(reader)) changes.set(field, rawBool(true));
    else changes.set(field, undefined);
  }
  if (changes.get('unique') !== undefined) changes.set('prepareUnique', undefined);
  const index = collection.index(name);
  if (index === undefined) return;
  const spec = storedIndexSpec(withFields(index.spec.document, changes));
  catalog.replaceSpec(collection, index, spec, at);
}

/** Fields that are there keep their place, new ones come last; undefined takes a field away. */
function withFields(document: Uint8Array, changes: ReadonlyMap<string, RawValue | undefined>): Uint8Array {
  const writer = new BsonWriter().startDocument();
  const seen = new Set<string>();
  const reader = new ElementReader(document);
  while (reader.next()) {
    const name = reader.name();
    seen.add(name);
    const change = changes.get(name);
    if (change !== undefined) writer.value(name, change);
    else if (!changes.has(name)) writer.element(document, reader.elementStart, reader.end);
  }
  for (const [name, change] of changes) if (change !== undefined && !seen.has(name)) writer.value(name, change);
  return writer.endDocument().finish();
}
