/** Running a {@link CollectionCopy} as part of a command, and the two commands that make capped collections so. */
import { CommandError } from '../../base/command_error.ts';
import type { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { stringOf } from '../../bson/value.ts';
import { cappedOptions } from '../../database/catalog/capped.ts';
import type { Collection } from '../../database/catalog/collection.ts';
import { CollectionCopy, type CopyRequest } from '../../database/run/collection_copy.ts';
import { readCollectionOptions, withOptions } from '../../database/catalog/collection_options.ts';
import type { MemberData } from '../../database/member_data.ts';
import { Turn } from '../../database/turn.ts';
import { findView, refuseView } from '../../database/catalog/views.ts';
import { Arguments } from '../arguments.ts';
import type { Command, CommandContext } from '../context.ts';
import { CAPPED_SIZE_BYTES_MAX, inRange } from './create_options.ts';
import { missingField } from '../fields.ts';
import { checkWritable, checkWriteName, writeNamespace } from '../namespace.ts';
import { runBatch } from '../write/write_batch.ts';

/** Undefined when it was done at once. What is half done is taken away when it fails. */
export function copyCollection(request: CopyRequest, context: CommandContext): Promise<void> | undefined {
  const turn = new Turn(context.env.clock);
  const copy = new CollectionCopy(context.data, request, turn);
  const giveUp = (error: unknown): never => {
    copy.abandon();
    throw error;
  };
  try {
    return runBatch(copy, context, turn)?.catch(giveUp);
  } catch (error) {
    return giveUp(error);
  }
}

export const convertToCappedCommand: Command = {
  name: 'convertToCapped',
  secondary: 'never',
  isWrite: true,
  help: 'makes a collection capped; it keeps its newest documents and only the index on _id',
  run(request, context) {
    const { data } = context;
    const ns = writeNamespace(request);
    let size: number | undefined;
    const args = Arguments.ofCommand('convertToCapped', request.body);
    while (args.next()) {
      if (args.name === 'size') size = inRange('size', args.integer(), CAPPED_SIZE_BYTES_MAX);
      else args.refuseUnknown();
    }
    if (size === undefined) throw missingField('convertToCapped.size');
    checkWritable(ns, data);
    const source = existingSource(data, ns);
    const purpose = `convertToCapped.${source.name}`;
    return copyCollection({ source, to: ns, options: cappedOf(source, size), indexes: [], purpose }, context);
  },
};

export const cloneCollectionAsCappedCommand: Command = {
  name: 'cloneCollectionAsCapped',
  secondary: 'never',
  isWrite: true,
  help: 'copies a collection into a new capped one',
  run(request, context) {
    const { data } = context;
    const ns = writeNamespace(request);
    const { to, size } = parseClone(Arguments.ofCommand('cloneCollectionAsCapped', request.body));
    const toNs = checkWriteName(request.db, to);
    for (const one of [ns, toNs]) checkWritable(one, data);
    const source = existingSource(data, ns);
    if (data.catalog.find(toNs) !== undefined || findView(data.catalog, toNs) !== undefined) {
      const text = `cloneCollectionAsCapped failed - destination collection ${toNs} already exists. source collection: ${ns}`;
      throw new CommandError('NamespaceExists', text);
    }
    const purpose = `cloneCollectionAsCapped.${source.name}`;
    return copyCollection({ source, to: toNs, options: cappedOf(source, size), indexes: [], purpose }, context);
  },
};

function parseClone(args: Arguments): { readonly to: string; readonly size: number } {
  let to = '';
  let size = 0;
  while (args.next()) {
    if (args.name === 'toCollection') to = toCollectionOf(args.value);
    else if (args.name === 'size') size = isNumericType(args.value.type) ? args.integer() : 0;
    else if (args.name === 'temp') {
      if (args.flag()) args.refuseUnsupported();
    } else args.refuseUnknown();
  }
  if (to === '' || size <= 0) throw new CommandError('InvalidOptions', 'invalid command spec');
  return { to, size: inRange('size', size, CAPPED_SIZE_BYTES_MAX) };
}

function toCollectionOf(value: ElementReader): string {
  if (value.type === BSON_TYPE.string) return stringOf(value);
  throw new CommandError('TypeMismatch', "'toCollection' must be of type String");
}

function existingSource(data: MemberData, ns: string): Collection {
  const source = data.catalog.find(ns);
  if (source !== undefined) return source;
  refuseView(data.catalog, ns);
  throw new CommandError('NamespaceNotFound', `source collection ${ns} does not exist`);
}

/** All other options stay, as validators and collations. */
function cappedOf(source: Collection, size: number): Uint8Array {
  if (readCollectionOptions(source.options).clusteredIndex !== undefined)
    throw new CommandError('InvalidOptions', `a clustered collection cannot be capped: ${source.ns}`);
  return withOptions(source.options, cappedOptions(size, undefined));
}
