/** What scripts can say. */
import { ms } from '../../src/base/units.ts';
import { timestampOf, termOf } from '../../src/base/optime.ts';
import type { ReplSetConfig } from '../../src/replication/config.ts';
import { parseConfig } from '../../src/replication/config_parse.ts';
import { configToDocument } from '../../src/replication/config_document.ts';
import { ScriptedMember, shown, type Topic } from './member.ts';
import { parseCommand, type CommandLine } from './script.ts';
import type { World } from './world.ts';

type Handler = (world: World, line: CommandLine) => string[];

/** Runs one command line and returns its output. */
export function runCommand(world: World, text: string): string[] {
  const line = parseCommand(text);
  const handler = HANDLERS[line.name];
  if (handler === undefined) throw new Error(`unknown command ${line.name}`);
  return handler(world, line);
}

const HANDLERS: Readonly<Record<string, Handler>> = {
  'add-members': addMembers,
  'new-members': newMembers,
  state: (world) => world.describe(),
  show: (world, { words }) => {
    for (const word of words) world.topics.add(word as Topic);
    return [];
  },
  hide: (world, { words }) => {
    for (const word of words) world.topics.delete(word as Topic);
    return [];
  },
  run: (world, { words }) => world.capture(() => world.run(Number(words[0])), { isTimed: true }),
  deliver: (world) => world.capture(() => world.deliver(), { isTimed: false }),
  drop: (world, { words }) => {
    world.drop(words[0] === undefined ? undefined : Number(words[0]));
    return [];
  },
  'step-up': (world, { words, options }) => {
    const skipDryRun = options['skipDryRun'] === 'true';
    return act(world, words, (member) =>
      world.command(member, 'replSetStepUp', (replyTo) => ({ kind: 'stepUp', skipDryRun, replyTo })),
    );
  },
  'step-down': stepDown,
  freeze: (world, { words }) =>
    act(world, words, (member) =>
      world.command(member, 'replSetFreeze', (replyTo) => ({ kind: 'freeze', seconds: Number(words[1]), replyTo })),
    ),
  'abort-catch-up': (world, { words }) =>
    act(world, words, (member) =>
      world.command(member, 'replSetAbortPrimaryCatchUp', (replyTo) => ({ kind: 'abortCatchUp', replyTo })),
    ),
  crash: (world, { words, options }) => {
    for (const id of words) world.member(id).crash({ losesUnsynced: options['power'] === 'lost' });
    return [];
  },
  restart: (world, { words }) =>
    world.capture(() => words.forEach((id) => world.member(id).start()), { isTimed: false }),
  refused: (world, { words }) =>
    act(world, words, (member) => {
      member.step({ kind: 'connectionRefused', target: world.member(words[1] ?? '').host });
    }),
  stalled: (world, { words }) =>
    act(world, words, (member) => member.step({ kind: 'stalled', duration: ms(Number(words[1])) })),
  'skip-time': (world, { words }) => {
    world.now = ms(world.now + Number(words[0]));
    return [];
  },
  tick: (world, { words }) => act(world, words, (member) => member.step({ kind: 'tick' })),
  pause: (world, { words }) => setFlag(world, words, 'isPaused', true),
  resume: (world, { words, options }) => {
    const stalled = ms(Number(options['stalled'] ?? 0));
    setFlag(world, words.slice(0, 1), 'isPaused', false);
    return act(world, words, (member) => member.step({ kind: 'stalled', duration: stalled }));
  },
  partition: (world, { words }) => cutBetween(world, words, true),
  heal: (world) => {
    world.cut.clear();
    return [];
  },
  'one-way': (world, { words }) => {
    world.cut.add(`${words[0]}->${words[1]}`);
    return [];
  },
  write,
  append: (world, { words, options }) => {
    const member = world.member(words[0] ?? '');
    for (let i = 0; i < Number(words[1] ?? 1); i++) member.append(termOf(Number(options['term'])));
    return world.capture(() => member.step({ kind: 'progress', progress: member.progress }), { isTimed: false });
  },
  'stop-fetching': (world, { words }) => setFlag(world, words, 'fetches', false),
  'start-fetching': (world, { words }) => setFlag(world, words, 'fetches', true),
  'stop-syncing': (world, { words }) => setFlag(world, words, 'syncsToDisk', false),
  'sync-to-disk': (world, { words }) => {
    setFlag(world, words.slice(0, 1), 'syncsToDisk', true);
    return act(world, words, (member) => member.sync());
  },
  'begin-rollback': (world, { words }) => act(world, words, (member) => member.step({ kind: 'rollbackStarted' })),
  'hold-drain': (world, { words }) => setFlag(world, words, 'holdsDrain', true),
  drained: (world, { words }) =>
    act(world, words, (member) => member.step({ kind: 'drained', term: member.core.term })),
  'hold-noop': (world, { words }) => setFlag(world, words, 'holdsNoop', true),
  'write-noop': (world, { words }) => act(world, words, (member) => member.writeNoop(member.core.term)),
  hello: (world, { words }) => [shownHello(world.member(words[0] ?? ''))],
  'ask-vote': askVote,
  vote: (world, { words }) => [shownDiskVote(world.member(words[0] ?? ''))],
  check: checkWriteConcern,
  initiate,
  reconfig,
};

function act(world: World, words: readonly string[], work: (member: ScriptedMember) => void): string[] {
  return world.capture(() => work(world.member(words[0] ?? '')), { isTimed: false });
}

function setFlag(
  world: World,
  ids: readonly string[],
  name: 'isPaused' | 'fetches' | 'syncsToDisk' | 'holdsDrain' | 'holdsNoop',
  value: boolean,
): string[] {
  for (const id of ids) world.member(id)[name] = value;
  return [];
}

/** A set of n members in which `primary` (default: none) is elected. Options: term, priority<id>, arbiter, votes0, timeout … */
function addMembers(world: World, { words, options }: CommandLine): string[] {
  const count = Number(words[0]);
  createMembers(world, count);
  const term = Number(options['term'] ?? 1);
  const config = configOf(world, { options, term });
  for (const member of world.members) {
    member.disk.config = config;
    member.disk.lastVote = { term: termOf(term - 1), candidateIndex: 0 };
    const isArbiter = config.members[member.id - 1]?.arbiterOnly === true;
    member.disk.needsInitialSync = false;
    if (!isArbiter) member.disk.oplog = [{ ts: timestampOf(1, 1), t: termOf(term - 1) }];
  }
  world.capture(() => world.members.forEach((member) => member.start()), { isTimed: false });
  const primary = options['primary'];
  if (primary === undefined) return world.describe();
  world.capture(
    () => {
      world.member(primary).step({ kind: 'tick' });
      world.deliver();
      world.member(primary).step({ kind: 'stepUp', skipDryRun: true, replyTo: 0 });
      world.run(1500);
    },
    { isTimed: false },
  );
  return world.describe();
}

/** n processes that know nothing yet. */
function newMembers(world: World, { words }: CommandLine): string[] {
  createMembers(world, Number(words[0]));
  for (const member of world.members) member.start();
  return world.describe();
}

function createMembers(world: World, count: number): void {
  for (let id = world.members.length + 1; id <= count; id++) world.members.push(new ScriptedMember(world, id));
}

function configOf(
  world: World,
  { options, term }: { options: Readonly<Record<string, string>>; term: number },
): ReplSetConfig {
  const settings: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (/Millis$|Secs$/.test(name)) settings[name] = Number(value);
  }
  return parseConfig({
    _id: 'rs0',
    version: Number(options['version'] ?? 1),
    term: term - 1,
    members: world.members.map((member) => ({
      _id: member.id,
      host: member.host,
      ...(options[`priority${member.id}`] !== undefined && { priority: Number(options[`priority${member.id}`]) }),
      ...(options['arbiter'] === String(member.id) && { arbiterOnly: true }),
      ...(options['hidden'] === String(member.id) && { hidden: true, priority: 0 }),
    })),
    settings,
  });
}

function stepDown(world: World, { words, options }: CommandLine): string[] {
  const catchUp = options['catchUp'];
  return act(world, words, (member) =>
    world.command(member, 'replSetStepDown', (replyTo) => ({
      kind: 'stepDown',
      replyTo,
      arguments: {
        stepDownSecs: Number(words[1] ?? 60),
        catchUpSecs: catchUp === undefined ? undefined : Number(catchUp),
        force: options['force'] === 'true',
      },
    })),
  );
}

function cutBetween(world: World, words: readonly string[], isCut: boolean): string[] {
  const groups = words
    .join(' ')
    .split('|')
    .map((group) => group.trim().split(/\s+/));
  for (const [i, left] of groups.entries()) {
    for (const right of groups.slice(i + 1)) {
      for (const a of left) {
        for (const b of right) {
          for (const way of [`${a}->${b}`, `${b}->${a}`]) if (isCut) world.cut.add(way);
        }
      }
    }
  }
  return [];
}

function write(world: World, { words, options }: CommandLine): string[] {
  const w = options['w'];
  const member = world.member(words[0] ?? '');
  let result = '';
  const waiter =
    w === undefined
      ? undefined
      : { w: numberOr(w), j: options['j'] === undefined ? undefined : options['j'] === 'true' };
  const lines = world.capture(
    () => {
      result = member.write(waiter);
    },
    { isTimed: false },
  );
  return [result, ...lines];
}

function numberOr(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text;
}

function checkWriteConcern(world: World, { words, options }: CommandLine): string[] {
  const { core, last } = world.member(words[0] ?? '');
  const demand = {
    w: numberOr(options['w'] ?? '1'),
    j: options['j'] === undefined ? undefined : options['j'] === 'true',
  };
  const error = core.writeConcernError(demand);
  if (error !== undefined) return [`${error.codeName} (${error.code}) ${error.message}`];
  return [`${shown(last)} w:${demand.w} satisfied:${core.isWriteConcernSatisfied(last, demand)}`];
}

function shownHello({ id, core }: ScriptedMember): string {
  const hello = core.hello({ isLegacyName: false });
  const electionId = core.electionId === undefined ? '' : ` electionId:${core.electionId}`;
  const primary = core.primary === undefined ? '' : ` primary:${core.primary}`;
  return `${id} isWritablePrimary:${String(hello['isWritablePrimary'])} secondary:${String(hello['secondary'])}${primary}${electionId}`;
}

function shownDiskVote({ id, disk }: ScriptedMember): string {
  const vote = disk.lastVote;
  return vote === undefined ? `${id} never voted` : `${id} voted in term ${vote.term} for ${vote.candidateIndex + 1}`;
}

/** A vote request of `from` put before one member as it is. Options: term, dryRun, last, config. */
function askVote(world: World, { words, options }: CommandLine): string[] {
  const member = world.member(words[0] ?? '');
  const candidate = world.member(options['from'] ?? '');
  const config = member.core.config;
  const [lastTerm = 0, lastSeconds = 0] = (options['last'] ?? shown(candidate.last)).split('/').map(Number);
  const last = { ts: timestampOf(lastSeconds, 1), t: termOf(lastTerm) };
  const [configTerm = 0, configVersion = 0] = (options['config'] ?? `${config?.term}/${config?.version}`)
    .split('/')
    .map(Number);
  const request = {
    setName: options['set'] ?? 'rs0',
    dryRun: options['dryRun'] === 'true',
    term: termOf(Number(options['term'])),
    candidateIndex: Number(options['from']) - 1,
    configVersion,
    configTerm: termOf(configTerm),
    lastApplied: last,
    lastWritten: last,
  };
  return world.capture(
    () => world.command(member, `to ${candidate.id}`, (replyTo) => ({ kind: 'voteRequest', request, replyTo })),
    { isTimed: false },
  );
}

/** `initiate 1 members=1,2,3`: the config as a user would send it. */
function initiate(world: World, { words, options }: CommandLine): string[] {
  const ids = (options['members'] ?? '').split(',').filter((id) => id !== '');
  const config =
    ids.length === 0
      ? undefined
      : { _id: options['set'] ?? 'rs0', members: ids.map((id) => ({ _id: Number(id), host: `m${id}:27017` })) };
  return act(world, words, (member) =>
    world.command(member, 'replSetInitiate', (replyTo) => ({
      kind: 'initiate',
      config,
      self: member.host,
      newReplicaSetId: '5f'.repeat(12),
      replyTo,
    })),
  );
}

/** Restarts one member with another config on disk, as if a reconfig had reached it alone. */
function reconfig(world: World, { words, options }: CommandLine): string[] {
  const member = world.member(words[0] ?? '');
  const old = member.disk.config;
  if (old === undefined) throw new Error('no config');
  const document = configToDocument(old, { isInternal: true });
  const members = old.members.map((entry, index) => ({
    ...(document['members'] as Record<string, unknown>[])[index],
    ...(options[`priority${entry.id}`] !== undefined && { priority: Number(options[`priority${entry.id}`]) }),
  }));
  const removed = options['remove'];
  member.crash({ losesUnsynced: false });
  member.disk.config = parseConfig({
    ...document,
    version: Number(options['version'] ?? old.version + 1),
    term: Number(options['term'] ?? old.term),
    members: members.filter((_, index) => String(old.members[index]?.id) !== removed),
  });
  return world.capture(() => member.start(), { isTimed: false });
}
