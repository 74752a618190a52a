/**
 * Reads configuration documents. Every failure is InvalidReplicaSetConfig with MongoDB's wording.
 * Source: MongoDB manual, "Self-Managed Replica Set Configuration"; messages as a server gives them.
 */
import { ObjectId } from 'bson';
import { CommandError } from '../base/command_error.ts';
import { TERM_MAX, TERM_UNINITIALIZED, termOf } from '../base/optime.ts';
import { ms } from '../base/units.ts';
import type { MemberConfig, ReplSetConfig, ReplSetSettings } from './config.ts';
import { checkConfig, checkMember } from './config_validate.ts';
import { isSubdocument, numberIn, typeNameOf, type PlainDocument } from './document.ts';
import { formatDocument } from './format_document.ts';

const CONFIG_FIELDS = new Set([
  '_id',
  'version',
  'term',
  'members',
  'configsvr',
  'protocolVersion',
  'writeConcernMajorityJournalDefault',
  'settings',
  'repaired',
]);

const MEMBER_FIELDS = new Set([
  '_id',
  'host',
  'arbiterOnly',
  'buildIndexes',
  'hidden',
  'priority',
  'tags',
  'horizons',
  'secondaryDelaySecs',
  'slaveDelay',
  'votes',
  'newlyAdded',
]);

const DEFAULT_PORT = 27017;
const INT32_MAX = 2 ** 31 - 1;

/** Most seconds a member may lag on purpose: 366 days. */
const DELAY_SECS_MAX = 31_622_400;

export function invalidConfig(message: string): CommandError {
  return new CommandError('InvalidReplicaSetConfig', message);
}

/** Parses and checks a whole configuration, as stored, received from a member, or given by a user. */
export function parseConfig(document: PlainDocument): ReplSetConfig {
  refuseUnknown(document, CONFIG_FIELDS, 'ReplSetConfig');
  const setName = stringField(document, '_id', 'ReplSetConfig');
  if (setName === '') throw invalidConfig('Replica set configuration must have non-empty _id field');
  const version = wholeField(document, 'version', { scope: 'ReplSetConfig', above: 0, atMost: INT32_MAX });
  const members = document['members'];
  if (members === undefined) throw missing('ReplSetConfig', 'members');
  if (!Array.isArray(members)) throw wrongType('ReplSetConfig.members', members, 'array');
  wholeField(document, 'protocolVersion', { scope: 'ReplSetConfig', default: 1, atLeast: 1, atMost: 1 });
  if (booleanField(document, 'repaired', false)) {
    throw new CommandError('RepairedReplicaSetNode', 'The config belongs to a member whose data was repaired');
  }
  const config: ReplSetConfig = {
    setName,
    version,
    term: termOf(
      wholeField(document, 'term', {
        scope: 'ReplSetConfig',
        default: TERM_UNINITIALIZED,
        atLeast: -1,
        atMost: TERM_MAX,
      }),
    ),
    members: members.map((member) => parseMember(member)),
    isConfigServer: booleanField(document, 'configsvr', false),
    writeConcernMajorityJournalDefault: booleanField(document, 'writeConcernMajorityJournalDefault', true),
    settings: parseSettings(document['settings']),
  };
  checkConfig(config);
  return config;
}

function parseMember(document: unknown): MemberConfig {
  if (!isSubdocument(document)) throw wrongType('ReplSetConfig.members', document, 'object');
  try {
    const member = readMember(document);
    checkMember(member);
    return member;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new CommandError(
      error.code,
      `member: ${formatDocument(document)} :: caused by :: ${error.message}`,
      {},
      { cause: error },
    );
  }
}

function readMember(document: PlainDocument): MemberConfig {
  refuseUnknown(document, MEMBER_FIELDS, 'MemberConfig');
  const arbiterOnly = booleanField(document, 'arbiterOnly', false);
  // An arbiter cannot be elected; the default priority of 1 therefore becomes 0 for it.
  const configured = boundedField(document, 'priority', { default: 1, atLeast: 0, atMost: 1000 });
  const delayName = document['slaveDelay'] === undefined ? 'secondaryDelaySecs' : 'slaveDelay';
  return {
    id: wholeField(document, '_id', { scope: 'MemberConfig', atLeast: 0, atMost: INT32_MAX }),
    host: withPort(stringField(document, 'host', 'MemberConfig')),
    arbiterOnly,
    buildIndexes: booleanField(document, 'buildIndexes', true),
    hidden: booleanField(document, 'hidden', false),
    priority: arbiterOnly && configured === 1 ? 0 : configured,
    tags: stringMap(document['tags'], 'tags'),
    horizons: document['horizons'] === undefined ? undefined : stringMap(document['horizons'], 'horizons'),
    secondaryDelaySecs: wholeField(document, delayName, { default: 0, atLeast: 0, atMost: DELAY_SECS_MAX }),
    votes: wholeField(document, 'votes', { default: 1, atLeast: 0, atMost: 1 }),
    newlyAdded: booleanField(document, 'newlyAdded', false),
  };
}

function parseSettings(value: unknown): ReplSetSettings {
  if (value !== undefined && !isSubdocument(value)) throw wrongType('ReplSetConfig.settings', value, 'object');
  const settings = value ?? {};
  const catchUpTimeout = wholeField(settings, 'catchUpTimeoutMillis', { default: -1, atLeast: -1 });
  const takeoverDelay = wholeField(settings, 'catchUpTakeoverDelayMillis', { default: 30_000, atLeast: -1 });
  checkLastErrorDefaults(settings['getLastErrorDefaults']);
  return {
    chainingAllowed: booleanField(settings, 'chainingAllowed', true),
    heartbeatIntervalMs: ms(wholeField(settings, 'heartbeatIntervalMillis', { default: 2000, above: 0 })),
    heartbeatTimeoutMs: ms(wholeField(settings, 'heartbeatTimeoutSecs', { default: 10, above: 0 }) * 1000),
    electionTimeoutMs: ms(wholeField(settings, 'electionTimeoutMillis', { default: 10_000, above: 0 })),
    catchUpTimeoutMs: ms(catchUpTimeout === -1 ? Infinity : catchUpTimeout),
    catchUpTakeoverDelayMs: ms(takeoverDelay === -1 ? Infinity : takeoverDelay),
    modes: parseModes(settings['getLastErrorModes']),
    replicaSetId: parseReplicaSetId(settings['replicaSetId']),
  };
}

/** Defaults of write concerns are set for the whole cluster since MongoDB 5.0, not in the config. */
function checkLastErrorDefaults(value: unknown): void {
  if (value === undefined) return;
  if (!isSubdocument(value)) throw wrongType('settings.getLastErrorDefaults', value, 'object');
  const isDefault = Object.entries(value).every(
    ([name, part]) => numberIn(part) === (name === 'w' ? 1 : 0) && (name === 'w' || name === 'wtimeout'),
  );
  if (isDefault) return;
  throw invalidConfig(
    "'getLastErrorDefaults' has been deprecated in favor of the cluster-wide default write concern and must stay at " +
      'its default, { w: 1, wtimeout: 0 }',
  );
}

function parseModes(value: unknown): Readonly<Record<string, Readonly<Record<string, number>>>> {
  if (value === undefined) return {};
  if (!isSubdocument(value)) throw wrongType('settings.getLastErrorModes', value, 'object');
  const modes: Record<string, Record<string, number>> = {};
  for (const [mode, constraint] of Object.entries(value)) {
    if (!isSubdocument(constraint)) throw wrongType(`settings.getLastErrorModes.${mode}`, constraint, 'object');
    const tags: Record<string, number> = {};
    for (const tag of Object.keys(constraint)) tags[tag] = wholeField(constraint, tag, { above: 0 });
    modes[mode] = tags;
  }
  return modes;
}

function parseReplicaSetId(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (!(value instanceof ObjectId)) throw wrongType('settings.replicaSetId', value, 'objectId');
  return value.toHexString();
}

/** As the config keeps it: MongoDB always adds the port. */
function withPort(host: string): string {
  if (host === '') throw invalidConfig('Empty host component parsing HostAndPort from ""');
  const match = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(host);
  if (match === null) throw invalidConfig(`Couldn't parse the host and port "${host}"`);
  const port = match[2] === undefined ? DEFAULT_PORT : Number(match[2]);
  if (port < 1 || port > 65_535) {
    throw invalidConfig(`Port number ${match[2]} out of range parsing HostAndPort from "${host}"`);
  }
  return `${match[1]}:${port}`;
}

interface Bounds {
  readonly scope?: string;
  readonly default?: number;
  readonly atLeast?: number;
  readonly above?: number;
  readonly atMost?: number;
}

/** A whole number; a fraction is cut off, as MongoDB does. */
function wholeField(document: PlainDocument, name: string, bounds: Bounds): number {
  return Math.trunc(boundedField(document, name, bounds));
}

function boundedField(document: PlainDocument, name: string, bounds: Bounds): number {
  const value = document[name];
  if (value === undefined) {
    if (bounds.default === undefined) throw missing(bounds.scope ?? 'ReplSetConfig', name);
    return bounds.default;
  }
  const number = numberIn(value);
  if (number === undefined) throw wrongType(name, value, 'number');
  const refusal = boundRefusal(number, bounds);
  if (refusal !== undefined) {
    throw invalidConfig(`BSON field '${name}' value must be ${refusal}, actual value '${number}'`);
  }
  return number;
}

function boundRefusal(value: number, { atLeast, above, atMost }: Bounds): string | undefined {
  if (above !== undefined && !(value > above)) return `> ${above}`;
  if (atLeast !== undefined && !(value >= atLeast)) return `>= ${atLeast}`;
  if (atMost !== undefined && !(value <= atMost)) return `<= ${atMost}`;
  return Number.isFinite(value) ? undefined : 'a finite number';
}

function stringField(document: PlainDocument, name: string, scope: string): string {
  const value = document[name];
  if (value === undefined) throw missing(scope, name);
  if (typeof value !== 'string') throw wrongType(`${scope}.${name}`, value, 'string');
  return value;
}

function booleanField(document: PlainDocument, name: string, otherwise: boolean): boolean {
  const value = document[name];
  if (value === undefined) return otherwise;
  if (typeof value === 'boolean') return value;
  const number = numberIn(value);
  if (number === undefined) throw wrongType(name, value, 'bool');
  return number !== 0;
}

function stringMap(value: unknown, name: string): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  if (!isSubdocument(value)) throw wrongType(name, value, 'object');
  const map: Record<string, string> = {};
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string')
      throw invalidConfig(`${name}.${key} field has non-string value of type ${typeNameOf(text)}`);
    map[key] = text;
  }
  return map;
}

function refuseUnknown(document: PlainDocument, known: ReadonlySet<string>, scope: string): void {
  const unknown = Object.keys(document).find((name) => !known.has(name));
  if (unknown !== undefined) throw invalidConfig(`BSON field '${scope}.${unknown}' is an unknown field.`);
}

function missing(scope: string, name: string): CommandError {
  return invalidConfig(`BSON field '${scope}.${name}' is missing but a required field`);
}

function wrongType(name: string, value: unknown, expected: string): CommandError {
  return invalidConfig(`BSON field '${name}' is the wrong type '${typeNameOf(value)}', expected type '${expected}'`);
}
