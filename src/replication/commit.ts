/** Moving the commit point, and telling those who wait for it. The rules are in commit_point.ts. */
import { invariant } from '../base/invariant.ts';
import { compareOpTimes } from '../base/optime.ts';
import {
  advancedCommitPoint,
  commitPointFromPeer,
  commitPointFromSource,
  commitPointOfArbiter,
} from './commit_point.ts';
import { knownProgress } from './heartbeat.ts';
import { MEMBER_STATE } from './member_state.ts';
import type { Position } from './progress.ts';
import { ownState, selfOf } from './state.ts';
import { emit, type Turn } from './turn.ts';

/** On a primary, after any position moved. Does nothing before the term's first entry is written. */
export function recomputeCommitPoint(turn: Turn): void {
  const { config, leader, commitPoint } = turn.state;
  if (config === undefined || leader?.firstOptime === undefined) return;
  const advanced = advancedCommitPoint({
    config,
    progress: knownProgress(turn.state),
    current: commitPoint,
    firstOptimeOfTerm: leader.firstOptime,
  });
  setCommitPoint(turn, advanced);
  const metrics = turn.state.candidateMetrics;
  if (metrics !== undefined && advanced !== commitPoint) metrics.writeAvailabilityDate ??= turn.wall;
}

/** A commit point from a heartbeat or another message of a member that is not the sync source. */
export function learnCommitPoint(turn: Turn, known: Position): void {
  const { state } = turn;
  if (state.leader !== undefined || selfOf(state) === undefined) return;
  if (ownState(state) === MEMBER_STATE.ARBITER) setCommitPoint(turn, commitPointOfArbiter(known, state.commitPoint));
  else if (!state.needsInitialSync) setCommitPoint(turn, commitPointFromPeer(known, state.progress, state.commitPoint));
}

export function learnCommitPointFromSource(turn: Turn, known: Position): void {
  const { state } = turn;
  if (state.leader !== undefined || state.needsInitialSync || ownState(state) === MEMBER_STATE.ROLLBACK) return;
  setCommitPoint(turn, commitPointFromSource(known, state.progress, state.commitPoint));
}

function setCommitPoint(turn: Turn, position: Position): void {
  const { state } = turn;
  if (position === state.commitPoint) return;
  invariant(compareOpTimes(position.optime, state.commitPoint.optime) > 0, 'the commit point never falls');
  state.commitPoint = position;
  emit(turn, { kind: 'commitPointChanged', commitPoint: position.optime });
  if (state.leader !== undefined) emit(turn, { kind: 'wakeWriteConcern' });
}
