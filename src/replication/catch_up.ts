/**
 * What a new primary does before it writes: it fetches what others have and it lacks (best effort), applies all it has
 * fetched, stamps the config with its term, and begins the term with an entry of its own.
 * Source: MongoDB manual, "catchUpTimeoutMillis"; Raft §5.4.2 and §8 (an entry at the start of the term).
 *
 * Differs from MongoDB: a member that was already silent for half an election timeout is not waited for. MongoDB waits
 * until the heartbeat to a paused old primary times out before the new one writes.
 */
import { CommandError } from '../base/command_error.ts';
import { invariant } from '../base/invariant.ts';
import { compareOpTimes, OPTIME_NULL, TERM_UNINITIALIZED, type OpTime, type Term } from '../base/optime.ts';
import { votersOf } from './config.ts';
import { recomputeCommitPoint } from './commit.ts';
import { formatOpTimeText } from './format_optime.ts';
import { restartHeartbeats } from './heartbeat.ts';
import type { ReplyTo } from './input.ts';
import type { Progress } from './progress.ts';
import { setSyncSource, transition } from './role.ts';
import { othersOf, setConfig, type Leader, type OtherEntry } from './state.ts';
import { answer, emit, later, log, raiseTopologyCounter, refuse, type Turn } from './turn.ts';

export function beginCatchUp(turn: Turn): void {
  const { state } = turn;
  const { config, leader } = state;
  invariant(config !== undefined && leader !== undefined, 'a primary has a config');
  emit(turn, { kind: 'stopSync' });
  if (votersOf(config).length === 1 || config.settings.catchUpTimeoutMs === 0) {
    state.counters.catchUpsSkipped += 1;
    startDrain(turn, leader);
    return;
  }
  log(turn, { id: 21359, message: 'Entering primary catch-up mode' });
  leader.catchUpDeadline = later(turn, config.settings.catchUpTimeoutMs);
  checkCatchUp(turn);
}

/** To be called whenever another member answered or failed to, and whenever this member got on. */
export function checkCatchUp(turn: Turn): void {
  const { leader } = turn.state;
  if (leader?.phase !== 'catchUp') return;
  const target = catchUpTarget(turn);
  if (target === undefined) return;
  const mine = turn.state.progress.written.optime;
  if (compareOpTimes(target, mine) <= 0) {
    const isFirst = leader.catchUpTarget === undefined;
    if (isFirst) turn.state.counters.catchUpsAlreadyCaughtUp += 1;
    else turn.state.counters.catchUpsSucceeded += 1;
    log(turn, {
      id: 21364,
      message: isFirst
        ? 'Caught up to the latest optime known via heartbeats after becoming primary'
        : 'Caught up to the latest known optime successfully after becoming primary',
      attributes: { targetOpTime: formatOpTimeText(target), myLastApplied: formatOpTimeText(mine) },
    });
    finishCatchUp(turn, leader);
    return;
  }
  raiseTarget(turn, leader, target);
}

function raiseTarget(turn: Turn, leader: Leader, target: OpTime): void {
  if (leader.catchUpTarget !== undefined && compareOpTimes(target, leader.catchUpTarget) === 0) return;
  log(turn, {
    id: 21365,
    message: 'Heartbeats updated catchup target optime',
    attributes: { targetOpTime: formatOpTimeText(target) },
  });
  if (leader.catchUpTarget === undefined) {
    turn.state.counters.catchUps += 1;
    emit(turn, { kind: 'startSync', mode: 'catchUp' });
  } else {
    emit(turn, { kind: 'syncSourcesChanged' });
  }
  leader.catchUpTarget = target;
  if (turn.state.candidateMetrics !== undefined) turn.state.candidateMetrics.targetCatchUp = target;
}

/** The newest optime of all who can answer; undefined while somebody's answer is still awaited. */
function catchUpTarget(turn: Turn): OpTime | undefined {
  let target: OpTime = OPTIME_NULL;
  for (const entry of othersOf(turn.state)) {
    const { info } = entry;
    if (!info.heardSinceRestart) {
      if (isWorthWaiting(turn, entry)) return undefined;
      continue;
    }
    const optime = info.reply?.progress.applied.optime ?? OPTIME_NULL;
    if (compareOpTimes(optime, target) > 0) target = optime;
  }
  return target;
}

function isWorthWaiting(turn: Turn, { info }: OtherEntry): boolean {
  const electionTimeout = turn.state.config?.settings.electionTimeoutMs ?? 0;
  return info.health === 'up' && turn.now - info.lastReplyAt < electionTimeout / 2;
}

export function catchUpTimedOut(turn: Turn): void {
  const { leader } = turn.state;
  if (leader?.phase !== 'catchUp' || turn.now < leader.catchUpDeadline) return;
  turn.state.counters.catchUpsTimedOut += 1;
  log(turn, { id: 21362, message: 'Catchup timed out after becoming primary' });
  finishCatchUp(turn, leader);
}

/** The source would need this member to roll back, which a primary never does. */
export function catchUpFailed(turn: Turn): void {
  const { leader } = turn.state;
  if (leader?.phase !== 'catchUp') return;
  turn.state.counters.catchUpsFailed += 1;
  finishCatchUp(turn, leader);
}

/** replSetAbortPrimaryCatchUp. */
export function abortCatchUp(turn: Turn, replyTo: ReplyTo): void {
  const { leader } = turn.state;
  if (leader?.phase !== 'catchUp') {
    refuse(turn, replyTo, new CommandError('IllegalOperation', 'The node is not in catch-up mode.'));
    return;
  }
  turn.state.counters.catchUpsAborted += 1;
  finishCatchUp(turn, leader);
  answer(turn, replyTo);
}

function finishCatchUp(turn: Turn, leader: Leader): void {
  log(turn, { id: 21363, message: 'Exited primary catch-up mode' });
  startDrain(turn, leader);
}

function startDrain(turn: Turn, leader: Leader): void {
  invariant(leader.phase === 'catchUp', 'draining follows catching up');
  leader.phase = 'draining';
  setSyncSource(turn, undefined);
  emit(turn, { kind: 'startDrain', term: turn.state.term });
}

/** All fetched entries are applied: the term begins. */
export function handleDrained(turn: Turn, term: Term): void {
  const { state } = turn;
  if (state.leader?.phase !== 'draining' || term !== state.term) return;
  log(turn, { id: 21239, message: 'Oplog buffer has been drained', attributes: { term } });
  bumpConfigTerm(turn);
  state.leader.phase = 'startingTerm';
  emit(turn, { kind: 'writeNewPrimaryNoop', term });
}

/** The config belongs to the new term from now on, so that none of an older term can replace it. A forced one stays -1. */
function bumpConfigTerm(turn: Turn): void {
  const { state } = turn;
  const { config } = state;
  invariant(config !== undefined, 'a primary has a config');
  if (config.term === TERM_UNINITIALIZED || config.term === state.term) return;
  invariant(config.term < state.term, 'no config is newer than the term');
  log(turn, { id: 4508103, message: 'Increment the config term via reconfig' });
  transition(turn, () => {
    setConfig(state, { ...config, term: state.term }, state.selfIndex, state.others);
  });
  if (state.config !== undefined) emit(turn, { kind: 'persistConfig', config: state.config });
}

/** The first entry of the term is written: clients may write. */
export function handleNewTermWritten(
  turn: Turn,
  { term, optime, progress }: { term: Term; optime: OpTime; progress: Progress },
): void {
  const { state } = turn;
  if (state.leader?.phase !== 'startingTerm' || term !== state.term) return;
  invariant(optime.t === term, 'the first entry of a term carries it');
  state.leader.firstOptime = optime;
  state.leader.phase = 'writable';
  state.progress = progress;
  if (state.candidateMetrics !== undefined) state.candidateMetrics.newTermStartDate = turn.wall;
  raiseTopologyCounter(turn);
  emit(turn, { kind: 'writesEnabled', term });
  log(turn, { id: 21331, message: 'Transition to primary complete; database writes are now permitted' });
  recomputeCommitPoint(turn);
  restartHeartbeats(turn);
}
