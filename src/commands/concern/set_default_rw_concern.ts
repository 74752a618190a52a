import { CommandError } from '../../base/command_error.ts';
import { ElementReader, isEmptyDocument } from '../../bson/elements.ts';
import { rawObject } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { createCollection } from '../../database/write/write_catalog.ts';
import { insertDocument, updateDocument } from '../../database/write/write_documents.ts';
import { Arguments } from '../arguments.ts';
import type { Command, CommandContext, CommandRequest } from '../context.ts';
import { parseReadConcern } from './read_concern.ts';
import {
  DEFAULTS_ID,
  defaultsRecord,
  SETTINGS_NS,
  storedDefaults,
  writeDefaults,
  type StoredDefaults,
} from './rw_concern_defaults.ts';
import { parseWriteConcern } from './write_concern.ts';

export const setDefaultRwConcernCommand: Command = {
  name: 'setDefaultRWConcern',
  adminOnly: true,
  secondary: 'never',
  isWrite: true,
  help: 'sets the read and write concern of requests that bring none',
  run(request, context, reply) {
    const { data, replication, env } = context;
    const wanted = parse(request);
    store(wanted, storedDefaults(data), context);
    context.lastWrite = data.oplog.lastWritten;
    writeDefaults(reply, storedDefaults(data), replication.defaultWriteConcern, env.clock.wall());
  },
};

/** An empty document takes a default away. */
interface Wanted {
  readonly readConcern: Uint8Array | undefined;
  readonly writeConcern: Uint8Array | undefined;
}

function parse(request: CommandRequest): Wanted {
  let readConcern: Uint8Array | undefined;
  let writeConcern: Uint8Array | undefined;
  const args = Arguments.ofCommand('setDefaultRWConcern', request.body);
  while (args.next()) {
    if (args.name === 'defaultReadConcern') readConcern = suitableRead(args.document());
    else if (args.name === 'defaultWriteConcern') writeConcern = suitableWrite(args.document());
    else args.refuseUnknown();
  }
  if (readConcern === undefined && writeConcern === undefined) {
    const text = 'At least one of the "defaultReadConcern" or "defaultWriteConcern" fields must be present';
    throw new CommandError('BadValue', text);
  }
  return { readConcern, writeConcern };
}

function suitableRead(document: Uint8Array): Uint8Array {
  if (isEmptyDocument(document)) return document;
  const { level, afterClusterTime, atClusterTime, afterOpTime } = parseReadConcern(rawObject(document));
  const times = { afterClusterTime, atClusterTime, afterOpTime };
  for (const [name, time] of Object.entries(times)) if (time !== undefined) throw unsuitable(`'${name}'`, 'read');
  if (level === 'linearizable' || level === 'snapshot') throw unsuitable(`level: '${level}'`, 'read');
  return new BsonWriter().startDocument().string('level', level).endDocument().finish();
}

function suitableWrite(document: Uint8Array): Uint8Array {
  const reader = new ElementReader(document);
  while (reader.next()) {
    if (WRITE_FIELDS.has(reader.name())) continue;
    throw new CommandError('FailedToParse', `unrecognized write concern field: ${reader.name()}`);
  }
  const concern = parseWriteConcern(rawObject(document));
  if (concern === undefined) return document;
  const { w, j, wtimeoutMs } = concern;
  if (w === 0) throw unsuitable('Unacknowledged write concern', 'write');
  const writer = new BsonWriter().startDocument();
  if (typeof w === 'number') writer.int32('w', w);
  else writer.string('w', w);
  if (j !== undefined) writer.bool('j', j);
  return writer
    .int32('wtimeout', Math.min(wtimeoutMs, 2 ** 31 - 1))
    .endDocument()
    .finish();
}

const WRITE_FIELDS = new Set(['w', 'j', 'fsync', 'wtimeout', 'provenance']);

function unsuitable(what: string, kind: 'read' | 'write'): CommandError {
  return new CommandError('BadValue', `${what} is not suitable for the default ${kind} concern`);
}

/** What is not named stays as it is. */
function store(
  { readConcern, writeConcern }: Wanted,
  before: StoredDefaults | undefined,
  context: CommandContext,
): void {
  const { data, env } = context;
  const unsets = writeConcern !== undefined && isEmptyDocument(writeConcern);
  if (unsets && before?.writeConcern !== undefined) {
    throw new CommandError('IllegalOperation', 'The global default write concern cannot be unset once it is set.');
  }
  const writer = new BsonWriter().startDocument().string('_id', DEFAULTS_ID);
  const values = [
    ['defaultReadConcern', readConcern, before?.readConcern],
    ['defaultWriteConcern', writeConcern, before?.writeConcern],
  ] as const;
  for (const [name, wanted, old] of values) {
    if (wanted === undefined) {
      if (old !== undefined) writer.value(name, old);
    } else if (!isEmptyDocument(wanted)) writer.document(name, wanted);
  }
  writer.timestamp('updateOpTime', data.oplog.lastWritten.ts).date('updateWallClockTime', env.clock.wall());
  const document = writer.endDocument().finish();
  const record = defaultsRecord(data);
  if (record !== undefined) {
    updateDocument(data, record.collection, record.found, { document, diff: undefined });
    return;
  }
  insertDocument(data, data.catalog.find(SETTINGS_NS) ?? createCollection(data, SETTINGS_NS), document);
}
