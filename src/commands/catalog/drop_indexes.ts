import { CommandError } from '../../base/command_error.ts';
import { compareDocuments } from '../../bson/compare.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { stringOf, type RawValue } from '../../bson/value.ts';
import type { Collection } from '../../database/catalog/collection.ts';
import type { Index } from '../../database/index/index.ts';
import { isIdKey } from '../../database/index/index_spec.ts';
import { refuseView } from '../../database/catalog/views.ts';
import { dropIndex } from '../../database/write/write_catalog.ts';
import { uuidText } from '../../database/uuid.ts';
import { describeDocument, describeValue } from '../../query/describe.ts';
import { Arguments } from '../arguments.ts';
import type { Command, CommandRequest } from '../context.ts';
import { missingField, wrongType } from '../fields.ts';
import { checkWritable, readNamespace } from '../namespace.ts';

export const dropIndexesCommand: Command = {
  name: 'dropIndexes',
  aliases: ['deleteIndexes'],
  secondary: 'never',
  isWrite: true,
  isApiVersion1: true,
  help: 'removes indexes by name, by key pattern, or all of them',
  run(request, context, reply) {
    const { data } = context;
    const ns = readNamespace(request, data);
    const which = parseIndex(request);
    checkWritable(ns, data);
    const collection = data.catalog.find(ns);
    if (collection === undefined) refuseView(data.catalog, ns);
    if (collection === undefined) throw new CommandError('NamespaceNotFound', `ns not found ${ns}`);
    const before = collection.indexes.length + 1;
    const indexes = chosen(collection, which);
    for (const index of indexes) dropIndex(data, collection, index);
    if (indexes.length > 0) context.lastWrite = data.oplog.lastWritten;
    reply.int32('nIndexesWas', before);
    if (isAll(which)) reply.string('msg', 'non-_id indexes dropped for collection');
  },
};

function parseIndex(request: CommandRequest): RawValue {
  let index: RawValue | undefined;
  const args = Arguments.ofCommand('dropIndexes', request.body);
  while (args.next()) {
    if (args.name === 'index') index = args.raw();
    else args.refuseUnknown();
  }
  if (index === undefined) throw missingField('dropIndexes.index');
  return index;
}

function isAll(which: RawValue): boolean {
  return which.type === BSON_TYPE.string && stringOf(which) === '*';
}

function chosen(collection: Collection, which: RawValue): readonly Index[] {
  switch (which.type) {
    case BSON_TYPE.string:
      return isAll(which) ? collection.indexes : [named(collection, stringOf(which))];
    case BSON_TYPE.object:
      return byKey(collection, which);
    case BSON_TYPE.array: {
      const names: string[] = [];
      const items = new ElementReader(which.bytes, which.start);
      while (items.next()) {
        if (items.type !== BSON_TYPE.string) throw notOnlyNames(collection, which);
        names.push(stringOf(items));
      }
      return [...new Set(names)].map((name) => named(collection, name));
    }
    default:
      throw wrongType('dropIndexes.index', which, 'string', 'object', 'array');
  }
}

function notOnlyNames({ ns, uuid }: Collection, which: RawValue): CommandError {
  const text = `dropIndexes ${ns} (${uuidText(uuid)}) failed to drop multiple indexes ${describeValue(which)}`;
  return new CommandError('TypeMismatch', `${text}: index name must be a string`);
}

function named(collection: Collection, name: string): Index {
  if (name === '_id_') throw cannotDropId();
  const index = collection.index(name);
  if (index === undefined) throw new CommandError('IndexNotFound', `index not found with name [${name}]`);
  return index;
}

function byKey(collection: Collection, key: RawValue): readonly Index[] {
  const pattern = key.bytes.slice(key.start, key.end);
  if (isIdKey(pattern)) throw cannotDropId();
  const found = collection.indexes.filter((index) => compareDocuments(index.spec.key, 0, pattern, 0) === 0);
  if (found.length === 1) return found;
  if (found.length > 1) {
    const text = `${found.length} indexes found for key: ${describeDocument(pattern)}, identify by name instead`;
    throw new CommandError('AmbiguousIndexKeyPattern', text);
  }
  throw new CommandError('IndexNotFound', `can't find index with key: ${describeDocument(pattern)}`);
}

function cannotDropId(): CommandError {
  return new CommandError('InvalidOptions', 'cannot drop _id index');
}
