import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { sessionTextOf } from '../../database/sessions.ts';
import { Arguments } from '../arguments.ts';
import type { CommandRequest } from '../context.ts';
import { wrongType } from '../fields.ts';
import { checkLsid } from './lsid.ts';

/** The sessions in the array that is the first argument of endSessions and its kind, as `sessionTextOf` tells them. */
export function sessionsOf(command: string, request: CommandRequest): string[] {
  const first = new ElementReader(request.body);
  first.next();
  if (first.type !== BSON_TYPE.array) throw wrongType(`${command}.${command}`, first, 'array');
  const args = Arguments.ofCommand(command, request.body);
  while (args.next()) args.refuseUnknown();
  const sessions: string[] = [];
  const items = new ElementReader(first.bytes, first.start);
  for (let i = 0; items.next(); i++) {
    if (items.type !== BSON_TYPE.object) throw wrongType(`${command}.${command}.${i}`, items, 'object');
    checkLsid(items);
    sessions.push(sessionTextOf(items));
  }
  return sessions;
}
