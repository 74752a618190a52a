/** replSetFreeze, replSetMaintenance, replSetStepUp and the term of an oplog query. Source: MongoDB manual. */
import { CommandError } from '../base/command_error.ts';
import type { Term } from '../base/optime.ts';
import { unixMs } from '../base/units.ts';
import { startElection } from './election.ts';
import type { ReplyTo } from './input.ts';
import { transition, updateTerm } from './role.ts';
import { later, answer, log, refuse, type Turn } from './turn.ts';

/** Not a candidate for that many seconds; 0 ends this, and the wait after a step-down too. */
export function handleFreeze(turn: Turn, seconds: number, replyTo: ReplyTo): void {
  const { state } = turn;
  if (state.role !== 'follower') {
    const shown = state.role === 'leader' ? 'Primary' : 'Running-Election';
    const message = `Cannot freeze node when primary or running for election, state: ${shown}`;
    refuse(turn, replyTo, new CommandError('NotSecondary', message));
    return;
  }
  if (seconds === 0) {
    log(turn, { id: 21452, message: "'unfreezing'" });
    state.electableAt = turn.now;
    answer(turn, replyTo, { info: 'unfreezing' });
    return;
  }
  log(turn, { id: 21453, message: "'freezing'", attributes: { freezeSecs: seconds } });
  const until = later(turn, seconds * 1000);
  if (until > state.electableAt) {
    state.electableAt = until;
    state.electableAtWall = unixMs(turn.wall + seconds * 1000);
  }
  answer(turn, replyTo, seconds === 1 ? { warning: 'you really want to freeze for only 1 second?' } : {});
}

/** Each `true` must be taken back by one `false`. */
export function handleMaintenance(turn: Turn, enter: boolean, replyTo: ReplyTo): void {
  const { state } = turn;
  if (state.role !== 'follower') {
    const message =
      state.role === 'leader' ? "primaries can't modify maintenance mode" : 'currently running for election';
    refuse(turn, replyTo, new CommandError('NotSecondary', message));
    return;
  }
  if (!enter && state.maintenanceCount === 0) {
    refuse(turn, replyTo, new CommandError('OperationFailed', 'already out of maintenance mode'));
    return;
  }
  transition(turn, () => {
    state.maintenanceCount += enter ? 1 : -1;
  });
  answer(turn, replyTo);
}

/** Answered when the election is decided; at once by a primary. */
export function handleStepUp(turn: Turn, skipDryRun: boolean, replyTo: ReplyTo): void {
  if (turn.state.role === 'leader') {
    answer(turn, replyTo);
    return;
  }
  startElection(turn, { reason: skipDryRun ? 'stepUpRequestSkipDryRun' : 'stepUpRequest', replyTo });
}

/** A newer term makes this member step down before it answers, and the asker repeats its query. */
export function handleTermSeen(turn: Turn, term: Term, replyTo: ReplyTo): void {
  if (!updateTerm(turn, term)) {
    answer(turn, replyTo);
    return;
  }
  refuse(turn, replyTo, new CommandError('StaleTerm', 'Replication term of this node was stale; retry query'));
}
