/** Which collection a command is about, and what its name may be. Source: the manual, "MongoDB Limits: Naming". */
import { CommandError } from '../base/command_error.ts';
import { ElementReader } from '../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../bson/types.ts';
import { stringOf } from '../bson/value.ts';
import { TRANSACTIONS_NS, type MemberData } from '../database/member_data.ts';
import { hexOf, uuidText } from '../database/uuid.ts';
import type { CommandRequest } from './context.ts';

/** Longest namespace. */
const NAMESPACE_BYTES_MAX = 255;

/** System collections that clients may write to. */
const WRITABLE_SYSTEM = new Set(['system.js', 'system.users', 'system.roles', 'system.version', 'system.keys']);
const WRITABLE_CONFIG = new Set(['system.sessions', 'system.indexBuilds', 'system.preimages']);

const ENCODER = new TextEncoder();

/** The namespace a command reads. Throws InvalidNamespace (73); 26 for a uuid nobody has. */
export function readNamespace(request: CommandRequest, data: MemberData): string {
  const reader = new ElementReader(request.body);
  reader.next();
  if (reader.type === BSON_TYPE.string) {
    request.ns = checkedNamespace(request.db, stringOf(reader));
    return request.ns;
  }
  const isUuid = reader.type === BSON_TYPE.binData && reader.bytes[reader.start + 4] === 4;
  if (isUuid && reader.end - reader.start === 21) {
    const collection = data.catalog.findUuid(hexOf(reader.bytes, reader.start + 5, reader.end));
    if (collection !== undefined && collection.db === request.db) {
      request.ns = collection.ns;
      return collection.ns;
    }
    const text = uuidText(reader.bytes, reader.start + 5);
    throw new CommandError('NamespaceNotFound', `Unable to resolve ${text}`);
  }
  throw new CommandError('InvalidNamespace', `collection name has invalid type ${typeAlias(reader.type)}`);
}

function checkedNamespace(db: string, name: string): string {
  if (name === '' || name.startsWith('.') || name.includes('\0')) {
    throw new CommandError('InvalidNamespace', `Invalid namespace specified '${db}.${name}'`);
  }
  if (name.includes('$') && !name.startsWith('$cmd')) {
    throw new CommandError('InvalidNamespace', `Invalid collection name specified '${db}.${name}`);
  }
  return `${db}.${name}`;
}

/** The namespace a command changes. Throws 2 or 73. */
export function writeNamespace(request: CommandRequest): string {
  const reader = new ElementReader(request.body);
  reader.next();
  if (reader.type !== BSON_TYPE.string) {
    throw new CommandError('BadValue', `collection name has invalid type ${typeAlias(reader.type)}`);
  }
  request.ns = checkWriteName(request.db, stringOf(reader));
  return request.ns;
}

/** Checks the name of a collection that is written to or created. Returns the namespace. */
export function checkWriteName(db: string, name: string): string {
  const ns = `${db}.${name}`;
  if (name === '') throw new CommandError('InvalidNamespace', `Invalid namespace specified '${ns}'`);
  if (name.startsWith('.')) {
    throw new CommandError('InvalidNamespace', `Collection names cannot start with '.': ${name}`);
  }
  if (name.includes('$')) throw new CommandError('InvalidNamespace', `Invalid collection name: ${name}`);
  if (name.includes('\0')) {
    throw new CommandError('InvalidNamespace', 'Collection names cannot have embedded null characters');
  }
  if (ns.length > NAMESPACE_BYTES_MAX / 3 && ENCODER.encode(ns).length > NAMESPACE_BYTES_MAX) {
    throw new CommandError(
      'InvalidNamespace',
      `Fully qualified namespace is too long. Namespace: ${ns} Max: ${NAMESPACE_BYTES_MAX}`,
    );
  }
  return ns;
}

/** Refuses what clients may only read. */
export function checkWritable(ns: string, data: MemberData): void {
  const dot = ns.indexOf('.');
  const db = ns.slice(0, dot);
  if (db === 'local' && (ns === OPLOG_NS || data.localCollections().includes(ns))) throw cannotWrite(ns);
  if (ns === TRANSACTIONS_NS) throw cannotWrite(ns);
  const name = ns.slice(dot + 1);
  if (!name.startsWith('system.') || WRITABLE_SYSTEM.has(name)) return;
  if (db === 'config' && WRITABLE_CONFIG.has(name)) return;
  if (name === 'system.views') {
    throw new CommandError('NotImplemented', 'system.views is changed by create, collMod and drop only');
  }
  throw new CommandError('InvalidNamespace', `cannot write to '${ns}'`);
}

function cannotWrite(ns: string): CommandError {
  return new CommandError('InvalidNamespace', `cannot write to ${ns}`);
}

/** Where the views of a database are kept. It may be dropped as a whole. */
export function isViewsCollection(ns: string): boolean {
  return ns.endsWith('.system.views') && ns.indexOf('.') === ns.length - '.system.views'.length;
}

/** The oplog as a collection. */
export const OPLOG_NS = 'local.oplog.rs';
