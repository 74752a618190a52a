/**
 * Positions in the oplog: my own, those members report up the chain, and what a sync source tells beside its entries.
 * Source: MongoDB's replSetUpdatePosition and `$oplogQueryData`.
 */
import { CommandError } from '../base/command_error.ts';
import { invariant } from '../base/invariant.ts';
import { compareOpTimes, isNullOpTime } from '../base/optime.ts';
import { checkCatchUp } from './catch_up.ts';
import { learnCommitPoint, learnCommitPointFromSource, recomputeCommitPoint } from './commit.ts';
import type { Input, ReplyTo } from './input.ts';
import { MEMBER_STATE } from './member_state.ts';
import type { MemberPosition, UpdatePosition } from './messages.ts';
import { laterProgress, type Progress } from './progress.ts';
import { nextKeepAlive, resetElectionTimer, updateTerm } from './role.ts';
import { otherById, otherByHost, othersOf, ownState, selfOf, type OtherMember, type State } from './state.ts';
import { replDataOf } from './heartbeat.ts';
import { checkStepDown } from './step_down.ts';
import { answer, emit, refuse, type Turn } from './turn.ts';

/** What this member has written, applied and made durable. */
export function handleOwnProgress(turn: Turn, progress: Progress): void {
  const { state } = turn;
  checkOrder(progress);
  invariant(
    compareOpTimes(progress.applied.optime, state.progress.applied.optime) >= 0,
    'the applied position falls in a rollback only',
  );
  state.progress = progress;
  if (state.leader === undefined) {
    if (state.syncSource !== undefined) emit(turn, { kind: 'sendUpdatePosition' });
    return;
  }
  recomputeCommitPoint(turn);
  emit(turn, { kind: 'wakeWriteConcern' });
  checkCatchUp(turn);
}

function checkOrder({ written, applied, durable }: Progress): void {
  invariant(compareOpTimes(applied.optime, written.optime) <= 0, 'what is applied is written');
  invariant(compareOpTimes(durable.optime, written.optime) <= 0, 'what is durable is written');
}

/** Positions of members below this one in the chain, told by one of them. */
export function handleUpdatePosition(turn: Turn, update: UpdatePosition, replyTo: ReplyTo): void {
  const { state } = turn;
  if (selfOf(state) === undefined) {
    const message = 'Received replSetUpdatePosition command but we are in state REMOVED or STARTUP';
    refuse(turn, replyTo, new CommandError('NotPrimaryOrSecondary', message));
    return;
  }
  if (update.replData !== undefined) {
    updateTerm(turn, update.replData.term);
    learnCommitPoint(turn, update.replData.commitPoint);
  }
  const unknown = update.positions.find((position) => !isKnownMember(state, position.memberId));
  let hasMoved = false;
  for (const position of update.positions) hasMoved = takePosition(turn, position) || hasMoved;
  if (hasMoved) positionsMoved(turn);
  if (unknown === undefined) {
    answer(turn, replyTo);
    return;
  }
  const message =
    "Received replSetUpdatePosition for node which doesn't exist in our config, " +
    `memberId: MemberId(${unknown.memberId})`;
  refuse(turn, replyTo, new CommandError('NodeNotFound', message));
}

function isKnownMember(state: State, memberId: number): boolean {
  return selfOf(state)?.id === memberId || otherById(state, memberId) !== undefined;
}

/** True when the position was further than what was known. It shows that the member is alive in any case. */
function takePosition(turn: Turn, position: MemberPosition): boolean {
  const info = otherById(turn.state, position.memberId)?.info;
  if (info === undefined) return false;
  const progress = laterProgress(info.progress, position.progress);
  const hasMoved = progress !== info.progress;
  info.progress = progress;
  info.lastUpdate = turn.now;
  info.isStale = false;
  return hasMoved;
}

function positionsMoved(turn: Turn): void {
  if (turn.state.leader === undefined) {
    if (turn.state.syncSource !== undefined) emit(turn, { kind: 'sendUpdatePosition' });
    return;
  }
  recomputeCommitPoint(turn);
  emit(turn, { kind: 'wakeWriteConcern' });
  checkStepDown(turn);
}

/** What to tell the sync source; undefined when this member tells nothing: primary, not in the set, or without source. */
export function positionsToReport(state: State): UpdatePosition | undefined {
  const self = selfOf(state);
  const { config } = state;
  if (self === undefined || config === undefined || state.leader !== undefined) return undefined;
  if (state.syncSource === undefined) return undefined;
  const positions: MemberPosition[] = [];
  if (!state.needsInitialSync && !isNullOpTime(state.progress.applied.optime)) {
    positions.push({ memberId: self.id, configVersion: config.version, progress: state.progress });
  }
  for (const { member, info } of othersOf(state)) {
    if (!isReportable(info)) continue;
    positions.push({ memberId: member.id, configVersion: config.version, progress: info.progress });
  }
  return { positions, replData: replDataOf(state) };
}

/** Nobody vouches for a member that has been silent. */
function isReportable(info: OtherMember): boolean {
  return !info.isStale && !isNullOpTime(info.progress.applied.optime);
}

/** Metadata that came with a batch of the oplog. */
export function handleSyncSourceMetadata(turn: Turn, input: Extract<Input, { kind: 'syncSourceMetadata' }>): void {
  const { state } = turn;
  const { replData, oplogQueryData } = input;
  const source = otherByHost(state, input.from);
  if (source !== undefined) {
    source.info.lastUpdate = turn.now;
    source.info.isStale = false;
  }
  if (replData !== undefined) updateTerm(turn, replData.term);
  if (oplogQueryData === undefined) return;
  learnCommitPointFromSource(turn, oplogQueryData.commitPoint);
  const seesPrimary = oplogQueryData.primaryIndex >= 0 && (replData === undefined || replData.term === state.term);
  if (seesPrimary && ownState(state) === MEMBER_STATE.SECONDARY) resetElectionTimer(turn);
}

/** A source that hears nothing for long would think its follower dead. */
export function keepAliveDue(turn: Turn): void {
  const { state } = turn;
  if (turn.now < state.keepAliveAt) return;
  state.keepAliveAt = nextKeepAlive(turn);
  if (state.leader === undefined) emit(turn, { kind: 'sendUpdatePosition' });
}
