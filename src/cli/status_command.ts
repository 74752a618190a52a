/** `quorate status <uri>`: the members of a running set, one line each. */
import { CommandError } from '../base/command_error.ts';
import { NetworkError } from '../base/env.ts';
import { runAdminCommand } from '../set/admin_client.ts';
import { UsageError } from './arguments.ts';

export const STATUS_HELP = `quorate status <uri>

Shows the members of a set. <uri> is mongodb://host:port,… or just host:port; the first member that answers is asked.
`;

interface MemberLine {
  readonly name: string;
  readonly stateStr: string;
  readonly health: number;
  readonly optimeDate?: Date;
  readonly syncSourceHost?: string;
  readonly self?: boolean;
}

/** Resolves with the exit code: 1 when nobody answers or the set has no primary. */
export async function runStatus(words: readonly string[]): Promise<number> {
  const [uri, ...more] = words;
  if (uri === '--help' || uri === '-h') {
    process.stdout.write(STATUS_HELP);
    return 0;
  }
  if (uri === undefined || more.length > 0) throw new UsageError('status takes one URI');
  const status = await firstStatus(addressesOf(uri));
  if (status === undefined) return 1;
  const members = Array.isArray(status['members']) ? (status['members'] as MemberLine[]) : [];
  const width = Math.max(...members.map(({ name }) => name.length));
  process.stdout.write(`set ${String(status['set'])}, term ${String(status['term'])}\n`);
  for (const member of members) process.stdout.write(`  ${member.name.padEnd(width)}  ${describe(member)}\n`);
  return members.some(({ stateStr }) => stateStr === 'PRIMARY') ? 0 : 1;
}

/** The hosts of a connection string, with MongoDB's port where none is given. */
export function addressesOf(uri: string): string[] {
  const hosts = uri
    .replace(/^mongodb:\/\//, '')
    .replace(/^[^/]*@/, '')
    .replace(/[/?].*$/s, '');
  if (uri.startsWith('mongodb+srv:')) throw new UsageError('mongodb+srv is not supported: name the hosts');
  return hosts
    .split(',')
    .filter((host) => host !== '')
    .map((host) => (/:\d+$/.test(host) ? host : `${host}:27017`));
}

async function firstStatus(addresses: readonly string[]): Promise<Record<string, unknown> | undefined> {
  for (const address of addresses) {
    try {
      return await runAdminCommand(address, { replSetGetStatus: 1 });
    } catch (error) {
      if (!(error instanceof NetworkError) && !(error instanceof CommandError)) throw error;
      process.stderr.write(`quorate: ${address}: ${error.message}\n`);
    }
  }
  return undefined;
}

function describe(member: MemberLine): string {
  const parts = [member.stateStr.padEnd(24)];
  if (member.optimeDate instanceof Date && member.optimeDate.getTime() > 0) {
    parts.push(`newest entry ${member.optimeDate.toISOString()}`);
  }
  if (member.syncSourceHost !== undefined && member.syncSourceHost !== '') parts.push(`from ${member.syncSourceHost}`);
  if (member.self === true) parts.push('(asked)');
  return parts.join('  ').trimEnd();
}
