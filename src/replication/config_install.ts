/**
 * Putting a config to use: the first one, a newer one that another member sent, or none of them.
 * Source: MongoDB's logless reconfiguration; manual, "Replica Set Member States" (REMOVED).
 */
import { invariant } from '../base/invariant.ts';
import { termOf, TERM_UNINITIALIZED } from '../base/optime.ts';
import { compareConfigs, INITIAL_TERM, isElectable, type ReplSetConfig } from './config.ts';
import { configToDocument } from './config_document.ts';
import { recomputeCommitPoint } from './commit.ts';
import { restartHeartbeats } from './heartbeat.ts';
import { MEMBER_STATE } from './member_state.ts';
import {
  abandonElection,
  findPrimary,
  relinquish,
  resetElectionTimer,
  setFollowerState,
  startSync,
  transition,
} from './role.ts';
import { newOtherMember, ownState, selfOf, setConfig, type OtherMember, type State } from './state.ts';
import { emit, log, type Turn } from './turn.ts';

/** A config that came with a heartbeat reply. Taken only when it is newer, and never in the middle of an election. */
export function considerConfig(turn: Turn, config: ReplSetConfig): void {
  const { state } = turn;
  if (config.setName !== state.options.setName) return;
  if (state.initiate !== undefined) return;
  if (state.config !== undefined && !isNewer(config, state.config)) return;
  if (state.role === 'candidate') return;
  if (isStartingTerm(state) && config.term !== TERM_UNINITIALIZED) return;
  const isMember = selfIndexesOf(state, config).length === 1;
  // A member without a config that is not named in one keeps waiting.
  if (state.config === undefined && !isMember) return;
  installConfig(turn, config, { isPersisted: false });
}

function isNewer(config: ReplSetConfig, current: ReplSetConfig): boolean {
  return compareConfigs(config, current) > 0;
}

/** A primary that has not begun its term yet is about to stamp its own config. */
function isStartingTerm(state: State): boolean {
  return state.leader !== undefined && state.leader.phase !== 'writable';
}

export function selfIndexesOf(state: State, config: ReplSetConfig): number[] {
  const indexes = [...config.members.keys()];
  return indexes.filter((index) => state.options.isSelf(config.members[index]?.host ?? ''));
}

export function installConfig(turn: Turn, config: ReplSetConfig, options: { readonly isPersisted: boolean }): void {
  const { state } = turn;
  const old = state.config;
  invariant(old === undefined || compareConfigs(config, old) > 0, 'a config is replaced by a newer one only');
  const selfIndex = selfIndexesOf(state, config)[0] ?? -1;
  const self = config.members[selfIndex];
  if (state.role === 'candidate') abandonElection(turn);
  if (state.leader !== undefined && (self === undefined || !isElectable(self))) {
    log(turn, { id: 21475, message: 'Stepping down from primary in response to heartbeat' });
    relinquish(turn);
  }
  if (!options.isPersisted) emit(turn, { kind: 'persistConfig', config });
  const wasMember = old !== undefined && state.selfIndex >= 0;
  transition(turn, () => {
    setConfig(state, config, selfIndex, carryOver(turn, config));
    if (state.term < INITIAL_TERM) state.term = termOf(INITIAL_TERM);
  });
  logInstalled(turn, config);
  if (wasMember && selfIndex < 0) emit(turn, { kind: 'stopSync' });
  if (!wasMember && selfIndex >= 0) enterSet(turn);
  findPrimary(state);
  state.takeover = undefined;
  restartHeartbeats(turn);
  resetElectionTimer(turn);
  recomputeCommitPoint(turn);
  emit(turn, { kind: 'wakeWriteConcern' });
}

/** What is known of a member survives when id and host stay the same. */
function carryOver(turn: Turn, config: ReplSetConfig): OtherMember[] {
  const { state } = turn;
  return config.members.map((member) => {
    const oldIndex = state.config?.members.findIndex(({ id, host }) => id === member.id && host === member.host) ?? -1;
    return state.others[oldIndex] ?? newOtherMember(turn.now);
  });
}

function logInstalled(turn: Turn, config: ReplSetConfig): void {
  const attributes = { config: configToDocument(config, { isInternal: true }) };
  log(turn, { id: 21392, message: 'New replica set config in use', attributes });
  const self = selfOf(turn.state);
  if (self === undefined) log(turn, { id: 21394, message: 'This node is not a member of the config' });
  else log(turn, { id: 21393, message: 'Found self in config', attributes: { hostAndPort: self.host } });
}

/** From STARTUP (or REMOVED) into the set: arbiters at once, members with data through RECOVERING, others by a copy first. */
function enterSet(turn: Turn): void {
  const { state } = turn;
  if (selfOf(state)?.arbiterOnly === true) return;
  if (state.needsInitialSync) {
    if (state.followerState !== MEMBER_STATE.STARTUP2) setFollowerState(turn, MEMBER_STATE.STARTUP2);
    startSync(turn);
    return;
  }
  becomeSecondary(turn);
}

/** The data is complete: readable from now on. */
export function becomeSecondary(turn: Turn): void {
  const { state } = turn;
  invariant(!state.needsInitialSync, 'a secondary has data');
  setFollowerState(turn, MEMBER_STATE.RECOVERING);
  setFollowerState(turn, MEMBER_STATE.SECONDARY);
  startSync(turn);
  invariant(ownState(state) !== MEMBER_STATE.STARTUP2, 'the start is over');
}
