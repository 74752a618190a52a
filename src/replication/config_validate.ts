/**
 * What a configuration must satisfy besides the types of its fields.
 * Source: MongoDB manual, "Self-Managed Replica Set Configuration" and "Replica Set Limits".
 */
import { CommandError } from '../base/command_error.ts';
import { MEMBERS_MAX, VOTING_MEMBERS_MAX } from '../base/limits.ts';
import { formatConfigVersion, isElectable, votersOf, type MemberConfig, type ReplSetConfig } from './config.ts';

const LOCAL_HOSTS = new Set(['localhost', '127.0.0.1', '::1', '[::1]']);

/** Throws InvalidReplicaSetConfig when the fields of one member contradict each other. */
export function checkMember(member: MemberConfig): void {
  if (member.arbiterOnly) checkArbiter(member);
  if (member.priority > 0) {
    if (member.votes === 0) throw invalid('priority must be 0 when non-voting (votes:0)');
    if (member.secondaryDelaySecs > 0) throw invalid('priority must be 0 when secondaryDelaySecs is used');
    if (member.hidden) throw invalid('priority must be 0 when hidden=true');
    if (!member.buildIndexes) throw invalid('priority must be 0 when buildIndexes=false');
  }
  if (member.horizons?.['__default'] !== undefined) {
    throw invalid('Horizon name "__default" is reserved for internal mongodb usage');
  }
}

function checkArbiter(member: MemberConfig): void {
  if (member.votes === 0) throw invalid('Arbiter must vote (cannot have 0 votes)');
  if (member.priority !== 0) throw invalid('Arbiter priority must be 0 or 1');
  if (Object.keys(member.tags).length > 0) throw invalid('Cannot set tags on arbiters.');
  if (member.newlyAdded) throw invalid('Arbiter cannot have newlyAdded field set');
}

/** Throws InvalidReplicaSetConfig when the members do not make a set. */
export function checkConfig(config: ReplSetConfig): void {
  const { members } = config;
  if (members.length < 1 || members.length > MEMBERS_MAX) {
    throw invalid(
      `Replica set configuration contains ${members.length} members, ` +
        `but must have at least 1 and no more than  ${MEMBERS_MAX}`,
    );
  }
  checkLocalHosts(config);
  checkDuplicates(config);
  checkHorizons(config);
  const voters = members.filter((member) => member.votes > 0).length;
  if (voters < 1 || voters > VOTING_MEMBERS_MAX) {
    throw invalid(
      `Replica set configuration contains ${voters} voting members, ` +
        `but must be at least 1 and no more than ${VOTING_MEMBERS_MAX}`,
    );
  }
  if (!members.some((member) => !member.arbiterOnly && member.priority > 0)) {
    throw invalid('Replica set configuration must contain at least one non-arbiter member with priority > 0');
  }
  if (votersOf(config).length < 1) throw invalid('Replica set configuration must contain a voting member with data');
  checkModes(config);
}

function checkLocalHosts({ members }: ReplSetConfig): void {
  const local = members.filter(({ host }) => LOCAL_HOSTS.has(host.slice(0, host.lastIndexOf(':')))).length;
  if (local === 0 || local === members.length) return;
  throw invalid(
    'Either all host names in a replica set configuration must be localhost references, or none must be; ' +
      `found ${local} out of ${members.length}`,
  );
}

function checkDuplicates({ members }: ReplSetConfig): void {
  for (const [later, member] of members.entries()) {
    for (const [earlier, other] of members.slice(0, later).entries()) {
      if (other.id === member.id) {
        throw invalid(
          'Found two member configurations with same _id field, ' +
            `members.${earlier}._id == members.${later}._id == MemberId(${member.id})`,
        );
      }
      if (other.host === member.host) {
        throw invalid(
          'Found two member configurations with same host field, ' +
            `members.${earlier}.host == members.${later}.host == ${member.host}`,
        );
      }
    }
  }
}

/** All members name the same horizons, and no address stands for two members. */
function checkHorizons({ members }: ReplSetConfig): void {
  const names = new Set(members.flatMap((member) => Object.keys(member.horizons ?? {})));
  const partial = [...names].filter((name) => members.some((member) => member.horizons?.[name] === undefined));
  if (partial.length > 0) {
    throw invalid(
      'Saw a replica set member with a different horizon mapping than the others.  ' +
        `The following horizons were not universally present: ${partial.join(', ')}`,
    );
  }
  const hosts = members.flatMap((member) => [member.host, ...Object.values(member.horizons ?? {})]);
  const repeated = hosts.filter((host, index) => hosts.indexOf(host) < index);
  if (repeated.length === 0) return;
  throw invalid(
    'The following hostnames are not unique across all horizons and host specifications in the replica set: ' +
      [...new Set(repeated)].join(', '),
  );
}

/** A mode must name tags that exist and that enough members tell apart. */
function checkModes({ members, settings }: ReplSetConfig): void {
  for (const [mode, constraint] of Object.entries(settings.modes)) {
    if (mode === 'majority' || mode.startsWith('$')) throw invalid(`Write concern mode name "${mode}" is reserved`);
    for (const [tag, count] of Object.entries(constraint)) {
      const values = new Set(members.flatMap((member) => member.tags[tag] ?? []));
      if (values.size === 0) throw invalid(`No replica set tag key ${tag} in config`);
      if (values.size < count) {
        throw invalid(
          `Write concern mode ${mode} requires ${count} values of tag ${tag} but only ${values.size} exist`,
        );
      }
    }
  }
}

/** What replSetInitiate demands besides. `selfIndexes`: which members of the config this process is. */
export function checkInitialConfig(config: ReplSetConfig, setName: string, selfIndexes: readonly number[]): void {
  if (config.setName !== setName) {
    throw invalid(
      'Rejecting initiate with a set name that differs from command line set name, ' +
        `initiate set name: ${config.setName}, command line set name: ${setName}`,
    );
  }
  if (config.version !== 1) {
    throw invalid(`Configuration used to initiate a replica set must have version 1, but found ${config.version}`);
  }
  if (config.settings.replicaSetId !== undefined) {
    throw invalid(
      'replica set configuration cannot contain replicaSetId field when called from replSetInitiate: ' +
        config.settings.replicaSetId,
    );
  }
  if (config.members.some((member) => member.newlyAdded)) {
    throw invalid("replSetInitiate called with 'newlyAdded' field in its config");
  }
  const where = `new configuration with ${formatConfigVersion(config)} for replica set ${config.setName}`;
  const [selfIndex] = selfIndexes;
  if (selfIndex === undefined) throw invalid(`No host described in ${where} maps to this node`);
  if (selfIndexes.length > 1) {
    const hosts = selfIndexes.map((index) => config.members[index]?.host).join(', ');
    throw invalid(`The hosts ${hosts} all map to this node in ${where}`);
  }
  const self = config.members[selfIndex];
  if (self === undefined || isElectable(self)) return;
  throw invalid(`This node, ${self.host}, with _id MemberId(${self.id}) is not electable under the ${where}`);
}

function invalid(message: string): CommandError {
  return new CommandError('InvalidReplicaSetConfig', message);
}
