/** What must hold after every step; a failure is a bug and stops the member. */
import { invariant } from '../base/invariant.ts';
import { compareOpTimes, type Term } from '../base/optime.ts';
import { compareConfigs, isElectable, type ReplSetConfig } from './config.ts';
import type { Position } from './progress.ts';
import { selfOf, type State } from './state.ts';

/** What the next state is compared with. */
export interface Before {
  readonly term: Term;
  readonly voteTerm: Term | undefined;
  readonly config: ReplSetConfig | undefined;
  readonly commitPoint: Position;
  readonly topologyCounter: number;
}

export function takeBefore(state: State): Before {
  const { term, lastVote, config, commitPoint, topologyCounter } = state;
  return { term, voteTerm: lastVote?.term, config, commitPoint, topologyCounter };
}

export function checkInvariants(before: Before, state: State): void {
  checkMonotonic(before, state);
  checkRoles(state);
}

function checkMonotonic(before: Before, state: State): void {
  invariant(state.term >= before.term, 'the term never falls');
  const voteTerm = state.lastVote?.term;
  invariant(before.voteTerm === undefined || (voteTerm ?? -1) >= before.voteTerm, 'votes are given in rising terms');
  invariant(voteTerm === undefined || voteTerm <= state.term, 'no vote is given in a future term');
  invariant(compareOpTimes(state.commitPoint.optime, before.commitPoint.optime) >= 0, 'the commit point never falls');
  invariant(state.topologyCounter >= before.topologyCounter, 'the topology counter never falls');
  if (before.config === undefined) return;
  invariant(state.config !== undefined, 'a config stays');
  invariant(compareConfigs(state.config, before.config) >= 0, 'the config never gets older');
}

function checkRoles(state: State): void {
  const { leader, election, role } = state;
  invariant((leader !== undefined) === (role === 'leader'), 'a leader has the state of one');
  invariant((election !== undefined) === (role === 'candidate'), 'a candidate has an election');
  invariant(state.stepDown === undefined || leader?.phase === 'writable', 'only a writable primary waits to step down');
  if (leader === undefined) return;
  const self = selfOf(state);
  invariant(self !== undefined && isElectable(self), 'a primary is electable by its config');
  invariant(state.lastVote?.term === state.term, 'a primary voted for itself in its term');
  if (leader.firstOptime !== undefined) {
    invariant(leader.firstOptime.t === state.term, 'the first entry of the term belongs to it');
  }
}
