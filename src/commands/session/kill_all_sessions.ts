/** killAllSessions and killAllSessionsByPattern: killSessions without a list of sessions. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { fieldName } from '../../bson/bytes.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { sessionTextOf } from '../../database/sessions.ts';
import { Arguments } from '../arguments.ts';
import type { Command, CommandRequest } from '../context.ts';
import { missingField, strictString, unknownField, wrongType } from '../fields.ts';
import { killWhere } from './kill_sessions.ts';
import { checkLsid } from './lsid.ts';

export const killAllSessionsCommand: Command = {
  name: 'killAllSessions',
  secondary: 'always',
  help: 'kills the sessions of users, and all of them when none is named',
  run(request, context) {
    const path = 'KillAllSessionsCmd.killAllSessions';
    for (const user of patternsOf('killAllSessions', path, request)) throw userNotFound(user, path);
    killWhere(request, context, () => true);
  },
};

export const killAllSessionsByPatternCommand: Command = {
  name: 'killAllSessionsByPattern',
  secondary: 'always',
  help: 'kills the sessions that match one of the patterns, and all of them when there is none',
  run(request, context) {
    const path = 'KillAllSessionsByPatternCmd.killAllSessionsByPattern';
    const patterns = patternsOf('killAllSessionsByPattern', path, request).map((pattern) =>
      parsePattern(pattern, path),
    );
    killWhere(request, context, (session) => patterns.length === 0 || patterns.some((matches) => matches(session)));
  },
};

function patternsOf(command: string, path: string, request: CommandRequest): RawValue[] {
  const first = new ElementReader(request.body);
  first.next();
  if (first.type !== BSON_TYPE.array) {
    throw new CommandError(10_065, `invalid parameter: expected an object (${command})`);
  }
  const args = Arguments.ofCommand(command, request.body);
  while (args.next()) args.refuseUnknown();
  const patterns: RawValue[] = [];
  const items = new ElementReader(first.bytes, first.start);
  for (let i = 0; items.next(); i++) {
    if (items.type !== BSON_TYPE.object) throw wrongType(`${path}.${i}`, items, 'object');
    patterns.push(items.value());
  }
  return patterns;
}

/** Nobody has an account here. */
function userNotFound(user: RawValue, path: string): CommandError {
  const names = new Map<string, string>();
  const reader = new ElementReader(user.bytes, user.start);
  while (reader.next()) {
    const name = reader.name();
    if (name !== 'user' && name !== 'db') throw unknownField(`${path}.${name}`);
    names.set(name, strictString(`${path}.${name}`, reader));
  }
  for (const name of ['user', 'db']) if (!names.has(name)) throw missingField(`${path}.${name}`);
  return new CommandError('UserNotFound', `Could not find user "${names.get('user')}" for db "${names.get('db')}"`);
}

const UID = fieldName('uid');

/** One session, or all of a user's: the digest of the name, which every session has here. */
function parsePattern(pattern: RawValue, path: string): (session: string) => boolean {
  let session: string | undefined;
  const reader = new ElementReader(pattern.bytes, pattern.start);
  while (reader.next()) {
    const name = reader.name();
    if (name === 'lsid') session = lsidOf(reader.value(), path);
    else if (name === 'uid') {
      if (reader.type !== BSON_TYPE.binData) throw wrongType(`${path}.uid`, reader, 'binData');
    } else if (name !== 'users' && name !== 'roles') throw unknownField(`${path}.${name}`);
  }
  const wanted = session;
  return wanted === undefined ? () => true : (one) => one === wanted;
}

function lsidOf(lsid: RawValue, path: string): string {
  checkLsid(lsid);
  if (findField(lsid.bytes, UID, lsid.start) === undefined) throw missingField(`${path}.lsid.uid`);
  return sessionTextOf(lsid);
}
