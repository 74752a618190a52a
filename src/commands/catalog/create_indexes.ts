import { CommandError, inContext } from '../../base/command_error.ts';
import { errorNameOf } from '../../base/error_codes.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import type { Collection } from '../../database/catalog/collection.ts';
import { isSameIndex } from '../../database/index/index_conflict.ts';
import { fillBuild, startBuild } from '../../database/run/index_build.ts';
import type { Index } from '../../database/index/index.ts';
import type { IndexSpec } from '../../database/index_kinds/index_kind.ts';
import { isIdKey } from '../../database/index/index_spec.ts';
import { parseIndexSpec, withKnownOptions } from '../../database/index/index_spec_parse.ts';
import { TRANSACTIONS_NS, type MemberData } from '../../database/member_data.ts';
import { newUuid, uuidText } from '../../database/uuid.ts';
import { createCollection, createEmptyIndex, logIndexBuild } from '../../database/write/write_catalog.ts';
import type { Collation } from '../../query/collation.ts';
import { describeDocument } from '../../query/describe.ts';
import { answerableError } from '../answerable_error.ts';
import { Arguments } from '../arguments.ts';
import { awaitCommitQuorum, parseCommitQuorum } from './commit_quorum.ts';
import type { Command, CommandContext, CommandRequest } from '../context.ts';
import { missingField } from '../fields.ts';
import { checkWritable, writeNamespace } from '../namespace.ts';

/** Most indexes of a collection, the one on `_id` included. Source: the manual, "MongoDB Limits: Indexes". */
const INDEXES_MAX = 64;

/** Most fields of an index. Source: the same page. */
const FIELDS_MAX = 32;

export const createIndexesCommand: Command = {
  name: 'createIndexes',
  secondary: 'never',
  isWrite: true,
  isApiVersion1: true,
  help: 'creates indexes on a collection, which is created when it does not exist',
  run(request, context, reply) {
    const { data } = context;
    const { ns, specs, commitQuorum } = parseCreateIndexes(request, data);
    const quorum = parseCommitQuorum(commitQuorum, context);
    checkWritable(ns, data);
    const existing = data.catalog.find(ns);
    const before = existing === undefined ? 1 : existing.indexes.length + 1;
    const wanted = specs.filter((spec) => !isThere(existing, spec));
    if (existing !== undefined && wanted.length === 0) {
      writeCounts(reply, before, before, 'all indexes already exist');
      return undefined;
    }
    const collection = existing ?? createCollection(data, ns);
    checkBuild(context, collection, wanted);
    if (collection.indexes.length + 1 + wanted.length > INDEXES_MAX) {
      const text = `add index fails, too many indexes for ${ns} key:${describeDocument(wanted[0].key)}`;
      throw new CommandError('CannotCreateIndex', text);
    }
    const note = wanted.length < specs.length && existing !== undefined ? 'index already exists' : undefined;
    const finish = (): void => {
      context.lastWrite = data.oplog.lastWritten;
      reply.bool('createdCollectionAutomatically', existing === undefined);
      writeCounts(reply, before, collection.indexes.length + 1, note);
      if (commitQuorum === undefined) reply.string('commitQuorum', 'votingMembers');
      else reply.value('commitQuorum', commitQuorum);
    };
    if (collection.count === 0) {
      for (const spec of wanted) createEmptyIndex(data, collection, spec);
      finish();
      return undefined;
    }
    return buildAll(context, collection, wanted)
      .then(() => awaitCommitQuorum(context, data.oplog.lastWritten, quorum))
      .then(finish);
  },
};

interface CreateIndexes {
  readonly ns: string;
  readonly specs: readonly IndexSpec[];
  readonly commitQuorum: RawValue | undefined;
}

function parseCreateIndexes(request: CommandRequest, data: MemberData): CreateIndexes {
  const ns = indexedNamespace(request);
  if (ns === TRANSACTIONS_NS) {
    throw new CommandError('IllegalOperation', `not allowed to create index on ${ns}`);
  }
  const collation = data.catalog.find(ns)?.collation;
  let indexes: RawValue | undefined;
  let ignoresUnknown = false;
  let commitQuorum: RawValue | undefined;
  const args = Arguments.ofCommand('createIndexes', request.body);
  while (args.next()) {
    if (args.name === 'indexes') indexes = args.raw();
    else if (args.name === 'commitQuorum') commitQuorum = args.raw();
    else if (args.name === 'ignoreUnknownIndexOptions') ignoresUnknown = args.flag();
    else args.refuseUnknown();
  }
  if (indexes === undefined) throw missingField('createIndexes.indexes');
  const specs = parseSpecs(indexes, { collation, ignoresUnknown });
  if (specs.length === 0) throw new CommandError('BadValue', 'Must specify at least one index to create');
  return { ns, specs, commitQuorum };
}

/** Unlike other writes, with 73 for names that are no string. */
function indexedNamespace(request: CommandRequest): string {
  const reader = new ElementReader(request.body);
  reader.next();
  if (reader.type === BSON_TYPE.string) return writeNamespace(request);
  throw new CommandError('InvalidNamespace', `collection name has invalid type ${typeAlias(reader.type)}`);
}

function parseSpecs(
  value: RawValue,
  { collation, ignoresUnknown }: { readonly collation: Collation | undefined; readonly ignoresUnknown: boolean },
): IndexSpec[] {
  if (value.type !== BSON_TYPE.array) {
    throw new CommandError('TypeMismatch', `The field 'indexes' must be an array, but got ${typeAlias(value.type)}`);
  }
  const specs: IndexSpec[] = [];
  const items = new ElementReader(value.bytes, value.start);
  while (items.next()) {
    if (items.type !== BSON_TYPE.object) {
      const text = `The elements of the 'indexes' array must be objects, but got ${typeAlias(items.type)}`;
      throw new CommandError('TypeMismatch', text);
    }
    specs.push(
      ignoresUnknown
        ? parseIndexSpec(withKnownOptions(items.bytes, items.start), 0, collation)
        : parseIndexSpec(items.bytes, items.start, collation),
    );
  }
  return specs;
}

/** Whether the very same index is there. Throws 85 or 86 when one is that contradicts it. */
function isThere(collection: Collection | undefined, spec: IndexSpec): boolean {
  if (collection === undefined) return false;
  if (isIdKey(spec.key)) return true;
  return collection.maintained.some((index) => isSameIndex(index.spec, spec));
}

/** What is found out only when the build begins. */
function checkBuild(context: CommandContext, collection: Collection, specs: readonly IndexSpec[]): void {
  const uuid = newUuid(context.data.env.random);
  try {
    checkAmongEachOther(specs);
    checkEach(uuid, collection, specs);
  } catch (error) {
    throw error instanceof CommandError ? buildFailure(uuid, collection, error) : error;
  }
}

function checkEach(uuid: Uint8Array, collection: Collection, specs: readonly IndexSpec[]): void {
  try {
    for (const spec of specs) {
      checkFields(spec);
      spec.kind.checkBuild?.(spec);
    }
  } catch (error) {
    const isEmpty = collection.count === 0;
    throw isEmpty ? inContext(error, `index build on empty collection failed: ${uuidText(uuid)}`) : error;
  }
}

function checkAmongEachOther(specs: readonly IndexSpec[]): void {
  for (const [i, spec] of specs.entries()) {
    for (const other of specs.slice(0, i)) {
      if (!isSameIndex(other, spec)) continue;
      const text = 'Cannot build two identical indexes. Try again without duplicate indexes.';
      throw new CommandError('OperationFailed', text);
    }
  }
}

function checkFields(spec: IndexSpec): void {
  if (spec.fields.length > FIELDS_MAX) throw new CommandError(13_103, 'too many compound keys');
}

function writeCounts(reply: BsonWriter, before: number, after: number, note: string | undefined): void {
  reply.int32('numIndexesBefore', before).int32('numIndexesAfter', after);
  if (note !== undefined) reply.string('note', note);
}

/** Builds beside running writes; logs the start, and the commit or that it was given up. */
async function buildAll(context: CommandContext, collection: Collection, specs: readonly IndexSpec[]): Promise<void> {
  const { data } = context;
  const uuid = newUuid(data.env.random);
  logIndexBuild(data, collection, 'startIndexBuild', { uuid, specs });
  const indexes = specs.map((spec) => startBuild(data, collection, spec));
  data.writeLog.applied();
  try {
    await fillBuild(data, collection, indexes, {
      check: () => checkGoesOn(context),
      noteProgress: (done) => {
        const total = collection.count;
        context.progress = { message: 'Index Build: scanning collection', done: Math.min(done, total), total };
      },
    });
    const at = logIndexBuild(data, collection, 'commitIndexBuild', { uuid, specs });
    for (const index of indexes) {
      collection.stopBuilding(index);
      data.catalog.addIndex(collection, index.readyFrom(at), at);
    }
    data.writeLog.applied();
  } catch (unexpected) {
    const error = answerableError(unexpected, context);
    giveUp(data, collection, indexes, { uuid, specs, error });
    throw buildFailure(uuid, collection, error);
  }
}

function checkGoesOn(context: CommandContext): void {
  context.checkInterrupt();
  context.data.writeLog.checkAcceptsWrites();
}

function giveUp(
  data: MemberData,
  collection: Collection,
  indexes: readonly Index[],
  build: { readonly uuid: Uint8Array; readonly specs: readonly IndexSpec[]; readonly error: CommandError },
): void {
  for (const index of indexes) {
    collection.stopBuilding(index);
    data.catalog.discardIndex(index);
  }
  if (collection.gone !== undefined || !data.acceptsWrites) return;
  const { code, message } = build.error;
  const cause = { code, codeName: errorNameOf(code), message };
  logIndexBuild(data, collection, 'abortIndexBuild', { uuid: build.uuid, specs: build.specs, cause });
  data.writeLog.applied();
}

function buildFailure(uuid: Uint8Array, collection: Collection, error: CommandError): CommandError {
  const where = `Collection ${collection.ns} ( ${uuidText(collection.uuid)} )`;
  const id = uuidText(uuid);
  const text = `Index build failed: ${id}: ${where} :: caused by :: ${error.message}`;
  return new CommandError(error.code, text, error.details, { cause: error });
}
