/** Copies all collections of another member, except those of `local`, which belong to each member alone. */
import type { Env } from '../base/env.ts';
import { CommandError, isCommandError } from '../base/command_error.ts';
import { fieldName } from '../bson/bytes.ts';
import { decodePlain, encodeDocument } from '../bson/codec.ts';
import { ElementReader, findField } from '../bson/elements.ts';
import { BSON_TYPE } from '../bson/types.ts';
import { maybeStringOf } from '../bson/value.ts';
import { BsonWriter } from '../bson/writer.ts';
import type { MemberData } from '../database/member_data.ts';
import { documentOf } from './oplog_batch.ts';
import type { Peers } from './peers.ts';
import { readAll, runOn } from './source_queries.ts';

export interface CloneOptions {
  readonly env: Env;
  readonly data: MemberData;
  readonly peers: Peers;
  readonly source: string;
  readonly isStopped: () => boolean;
}

const NAME = fieldName('name');
const TYPE = fieldName('type');
const OPTIONS = fieldName('options');
const INFO = fieldName('info');
const UUID = fieldName('uuid');

/** Resolves when every collection is copied and its indexes are built; rejects at the first failure. */
export async function cloneAllCollections(options: CloneOptions): Promise<void> {
  for (const db of await databasesOf(options)) {
    for (const collection of await collectionsOf(options, db)) {
      if (options.isStopped()) throw new CommandError('InterruptedAtShutdown', 'the initial sync was stopped');
      await cloneCollection(options, db, collection);
    }
  }
}

/** `admin` first: what is in there may decide how the rest is read. */
async function databasesOf({ peers, source }: CloneOptions): Promise<string[]> {
  const reply = await runOn(peers, source, 'admin', { listDatabases: 1, nameOnly: true });
  const { databases } = decodePlain(reply) as { databases?: { name: string }[] };
  const names = (databases ?? []).map(({ name }) => name).filter((name) => name !== 'local');
  return names.sort((a, b) => Number(b === 'admin') - Number(a === 'admin'));
}

async function collectionsOf({ peers, source }: CloneOptions, db: string): Promise<Uint8Array[]> {
  const found: Uint8Array[] = [];
  const query = { db, command: { listCollections: 1 }, collection: '$cmd.listCollections' };
  await readAll(peers, source, query, (documents) => {
    found.push(...documents.filter(isCollection));
    return true;
  });
  return found;
}

function isCollection(document: Uint8Array): boolean {
  const type = findField(document, TYPE);
  return type === undefined || maybeStringOf(type) !== 'view';
}

async function cloneCollection(options: CloneOptions, db: string, description: Uint8Array): Promise<void> {
  const { env, data, peers, source, isStopped } = options;
  const name = nameOf(description);
  const indexes: Uint8Array[] = [];
  const indexQuery = { db, command: { listIndexes: name }, collection: `$cmd.listIndexes.${name}` };
  if (!(await exists(readAll(peers, source, indexQuery, (documents) => indexes.push(...documents) > 0)))) return;
  const optionsField = findField(description, OPTIONS);
  const target = data.cloneCollection({
    ns: `${db}.${name}`,
    uuid: uuidOf(description),
    options: optionsField === undefined ? encodeDocument({}) : withoutUuid(documentOf(optionsField)),
    indexes,
  });
  const query = { db, command: { find: name, noCursorTimeout: true }, collection: name };
  const readOnce = (): Promise<void> =>
    readAll(peers, source, query, async (documents) => {
      await target.insert(documents);
      const pressure = data.store.backpressure();
      if (pressure === undefined) await env.breathe();
      else await pressure;
      return !isStopped();
    });
  for (let reads = 1; ; reads++) {
    try {
      await exists(readOnce());
      break;
    } catch (error) {
      if (!isCommandError(error, 'CappedPositionLost') || reads >= CAPPED_READS_MAX) throw error;
    }
  }
  await target.finish();
}

/**
 * How often a capped collection is read that drops its oldest documents faster than they are. What was copied stays, in its
 * order; what is gone from the source, the oplog says.
 */
const CAPPED_READS_MAX = 100;

/** False when the collection is gone: it was dropped meanwhile, and the oplog will say so. */
async function exists(reading: Promise<void>): Promise<boolean> {
  try {
    await reading;
    return true;
  } catch (error) {
    if (isCommandError(error, 'NamespaceNotFound')) return false;
    throw error;
  }
}

function nameOf(description: Uint8Array): string {
  const value = findField(description, NAME);
  const name = value === undefined ? undefined : maybeStringOf(value);
  if (name === undefined) throw new CommandError('FailedToParse', 'listCollections shows a collection without a name');
  return name;
}

function uuidOf(description: Uint8Array): Uint8Array {
  const info = findField(description, INFO);
  const uuid = info?.type === BSON_TYPE.object ? findField(documentOf(info), UUID) : undefined;
  if (uuid === undefined) throw new CommandError('FailedToParse', 'listCollections shows a collection without a uuid');
  // A length and a subtype come before the 16 bytes.
  return uuid.bytes.slice(uuid.start + 5, uuid.start + 21);
}

function withoutUuid(document: Uint8Array): Uint8Array {
  const reader = new ElementReader(document);
  const writer = new BsonWriter().startDocument();
  while (reader.next()) if (!reader.nameEquals(UUID)) writer.element(document, reader.elementStart, reader.end);
  return writer.endDocument().finish();
}
