/** `quorate up`: a set on this machine, in the foreground, with one plain line for everything that matters. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { MemberStartError, type MemberLogLine, type MemberProcess } from '../set/member_process.ts';
import { ReplicaSet, type ReplicaSetOptions } from '../set/replica_set.ts';
import { describeOptions, parseArguments, UsageError, type OptionTable, type ParsedArguments } from './arguments.ts';
import { splitParameter } from './split_parameter.ts';

const OPTIONS: OptionTable = {
  members: { kind: 'integer', placeholder: 'n', help: 'how many members (default 3)' },
  port: {
    kind: 'integer',
    placeholder: 'n',
    help: "the first member's port, the others' follow (default 27017; 0: any)",
  },
  dbpath: { kind: 'text', placeholder: 'folder', help: 'where the data is kept (default ./data)' },
  ephemeral: { kind: 'flag', help: 'keep the data in a temporary folder and remove it at the end' },
  replSet: { kind: 'text', placeholder: 'name', help: 'name of the set (default rs0)' },
  bind_ip: { kind: 'text', placeholder: 'address', help: 'address to listen on (default 127.0.0.1)' },
  oplogSize: { kind: 'integer', placeholder: 'MB', help: 'how much of the oplog each member keeps' },
  setParameter: { kind: 'list', placeholder: 'k=v', help: 'a server parameter for every member; may be given again' },
};

export const UP_HELP = `quorate up [options]

Starts a replica set on this machine, each member a process of its own, and prints its URI. The first start makes the
set; later ones find its data. Ctrl-C stops all members cleanly.

${describeOptions(OPTIONS)}`;

/** Source: MongoDB's limit of members in a set. */
const MEMBERS_MAX = 50;

/** Why a member did not start; said once, at the end. */
const START_FAILURE_ID = 20_557;
const PORT_TAKEN_ID = 20_568;

/** "Replica set state transition". */
const STATE_TRANSITION_ID = 21_358;

/** Runs until Ctrl-C, SIGTERM, or until every member has ended; resolves with the exit code. */
export async function runUp(words: readonly string[]): Promise<number> {
  const parsed = parseArguments({ ...OPTIONS, help: { kind: 'flag', alias: 'h', help: '' } }, words);
  if (parsed.has('help')) {
    process.stdout.write(UP_HELP);
    return 0;
  }
  if (parsed.positionals.length > 0) throw new UsageError(`unexpected '${parsed.positionals.join(' ')}'`);
  const ephemeral = parsed.has('ephemeral');
  const folder = ephemeral ? mkdtempSync(join(tmpdir(), 'quorate-')) : resolve(parsed.text('dbpath') ?? './data');
  const options = setOptionsOf(parsed, folder);
  // From here on: a Ctrl-C while the set starts must not leave processes behind.
  const stop = listenForSignals();
  try {
    return await runSet(options, stop);
  } finally {
    if (ephemeral) rmSync(folder, { recursive: true, force: true });
  }
}

async function runSet(options: ReplicaSetOptions, stop: StopRequest): Promise<number> {
  let set: ReplicaSet;
  try {
    const folder = relative(process.cwd(), options.dbpath ?? '.') || '.';
    say(`starting ${options.members} member${options.members === 1 ? '' : 's'} under ${folder} …`);
    set = await ReplicaSet.start(options);
  } catch (error) {
    // Children of one terminal get a Ctrl-C too, and end before they were ready.
    if (stop.isAsked) return 0;
    process.stderr.write(`quorate: ${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof MemberStartError && error.exitCode > 0 ? error.exitCode : 1;
  }
  process.stdout.write(`\n${set.uri}\n\n`);
  say('ready; Ctrl-C stops the set');
  await Promise.race([stop.asked, allEnded(set)]);
  say('stopping …');
  await set.stop();
  return 0;
}

function setOptionsOf(parsed: ParsedArguments, folder: string): ReplicaSetOptions {
  const count = parsed.integer('members') ?? 3;
  if (count < 1 || count > MEMBERS_MAX) throw new UsageError(`--members takes 1 to ${MEMBERS_MAX}, not ${count}`);
  const oplogSizeMb = parsed.integer('oplogSize');
  return {
    members: count,
    setName: parsed.text('replSet') ?? 'rs0',
    dbpath: folder,
    port: parsed.integer('port') ?? 27017,
    host: parsed.text('bind_ip') ?? '127.0.0.1',
    parameters: Object.fromEntries(parsed.list('setParameter').map(splitParameter)),
    ...(oplogSizeMb !== undefined && { oplogSizeMb }),
    onLine: sayWhatMatters,
  };
}

/** Children of one terminal get the Ctrl-C too; stopping them again does no harm. */
function listenForSignals(): StopRequest {
  const request = { isAsked: false, asked: Promise.resolve() };
  request.asked = new Promise((resolveStop) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        request.isAsked = true;
        resolveStop();
      });
    }
  });
  return request;
}

interface StopRequest {
  readonly isAsked: boolean;
  readonly asked: Promise<void>;
}

async function allEnded(set: ReplicaSet): Promise<void> {
  await Promise.all(set.members.map((member) => member.ended));
}

function sayWhatMatters(line: MemberLogLine, member: MemberProcess): void {
  if (line.id === STATE_TRANSITION_ID) {
    say(`${member.address} is ${textOf(line, 'newState')} (was ${textOf(line, 'oldState')})`);
  } else if ((line.s === 'F' || line.s === 'E') && line.id !== START_FAILURE_ID && line.id !== PORT_TAKEN_ID) {
    say(`${member.address}: ${line.msg} ${textOf(line, 'error')}`);
  }
}

function textOf(line: MemberLogLine, name: string): string {
  const value = line.attr?.[name];
  return typeof value === 'string' ? value : '';
}

function say(text: string): void {
  process.stdout.write(`${new Date().toISOString().slice(11, 19)}  ${text}\n`);
}
