/**
 * replSetStepDown: writes stop, a secondary that could take over catches up, then this member steps down and hands over.
 * Source: MongoDB manual, "replSetStepDown".
 */
import { CommandError } from '../base/command_error.ts';
import { compareOpTimes } from '../base/optime.ts';
import { unixMs } from '../base/units.ts';
import { isElectable, isMajority, isVoter, priorityOf, votersOf } from './config.ts';
import type { ReplyTo, StepDownArguments } from './input.ts';
import { MEMBER_STATE } from './member_state.ts';
import { disableWrites, relinquish } from './role.ts';
import { othersOf, selfOf, type OtherEntry, type PendingStepDown, type State } from './state.ts';
import { answer, emit, later, log, raiseTopologyCounter, refuse, type Turn } from './turn.ts';

const STEP_DOWN_SECS_DEFAULT = 60;
const CATCH_UP_SECS_DEFAULT = 10;

/** What the arguments mean; throws BadValue when they contradict each other. */
export function parseStepDown({ stepDownSecs, catchUpSecs, force }: StepDownArguments): {
  stepDownMs: number;
  waitMs: number;
} {
  if (stepDownSecs < 0) throw new CommandError('BadValue', 'stepdown period must be a positive integer');
  if (catchUpSecs !== undefined && catchUpSecs < 0) {
    throw new CommandError('BadValue', 'secondaryCatchUpPeriodSecs period must be a positive or absent');
  }
  const period = stepDownSecs === 0 ? STEP_DOWN_SECS_DEFAULT : stepDownSecs;
  const wait = catchUpSecs ?? (force ? 0 : CATCH_UP_SECS_DEFAULT);
  if (wait > period) {
    throw new CommandError('BadValue', 'stepdown period must be longer than secondaryCatchUpPeriodSecs');
  }
  return { stepDownMs: period * 1000, waitMs: wait * 1000 };
}

export function handleStepDown(turn: Turn, request: StepDownArguments, replyTo: ReplyTo): void {
  const { state } = turn;
  const period = stepDownPeriod(turn, request, replyTo);
  if (period === undefined) return;
  if (state.leader?.phase !== 'writable') {
    refuse(turn, replyTo, new CommandError('NotWritablePrimary', "not primary so can't step down"));
    return;
  }
  if (state.stepDown !== undefined) {
    const message = 'This node is already in the process of stepping down';
    refuse(turn, replyTo, new CommandError('ConflictingOperationInProgress', message));
    return;
  }
  state.stepDown = {
    replyTo,
    force: request.force,
    waitUntil: later(turn, period.waitMs),
    stepDownUntil: later(turn, period.stepDownMs),
  };
  disableWrites(turn);
  checkStepDown(turn);
  stepDownDue(turn);
}

function stepDownPeriod(
  turn: Turn,
  request: StepDownArguments,
  replyTo: ReplyTo,
): { stepDownMs: number; waitMs: number } | undefined {
  try {
    return parseStepDown(request);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    refuse(turn, replyTo, error);
    return undefined;
  }
}

/** To be called whenever a member's position or health changed while a step-down waits. */
export function checkStepDown(turn: Turn): void {
  const { state } = turn;
  const { stepDown } = state;
  if (stepDown === undefined || !isSafeToStepDown(state)) return;
  complete(turn, stepDown);
}

/**
 * A majority of voters has all of this member's entries, and one of them can be elected: nothing is lost, and somebody
 * takes over.
 */
function isSafeToStepDown(state: State): boolean {
  const { config } = state;
  const self = selfOf(state);
  if (config === undefined || self === undefined) return false;
  const caughtUp = othersOf(state).filter((entry) => isCaughtUp(state, entry));
  const votes = caughtUp.filter(({ member }) => isVoter(member)).length + (isVoter(self) ? 1 : 0);
  return isMajority(votes, votersOf(config).length) && caughtUp.some(isElectableSecondary);
}

function isCaughtUp(state: State, { info }: OtherEntry): boolean {
  return compareOpTimes(info.progress.applied.optime, state.progress.applied.optime) >= 0;
}

function isElectableSecondary({ member, info }: OtherEntry): boolean {
  return isElectable(member) && info.health === 'up' && info.state === MEMBER_STATE.SECONDARY;
}

/** The waiting time is over: with force the member steps down anyway, otherwise it goes on as primary. */
export function stepDownDue(turn: Turn): void {
  const { stepDown } = turn.state;
  if (stepDown === undefined || turn.now < stepDown.waitUntil) return;
  if (stepDown.force) {
    complete(turn, stepDown);
    return;
  }
  turn.state.stepDown = undefined;
  raiseTopologyCounter(turn);
  emit(turn, { kind: 'writesEnabled', term: turn.state.term });
  refuse(turn, stepDown.replyTo, new CommandError('ExceededTimeLimit', timeoutMessage(turn, stepDown)));
}

function timeoutMessage(turn: Turn, stepDown: PendingStepDown): string {
  if (turn.now >= stepDown.stepDownUntil) {
    return 'By the time we were ready to step down, we were already past the time we were supposed to step down until';
  }
  const date = new Date(turn.wall).toISOString().replace('Z', '+00:00');
  return (
    `No electable secondaries caught up as of ${date}. ` +
    'Please use the replSetStepDown command with the argument {force: true} to force node to step down.'
  );
}

function complete(turn: Turn, stepDown: PendingStepDown): void {
  const { state } = turn;
  const successor = stepDown.force ? undefined : chooseSuccessor(state);
  state.electableAt = stepDown.stepDownUntil;
  state.electableAtWall = unixMs(turn.wall + (stepDown.stepDownUntil - turn.now));
  state.stepDown = undefined;
  relinquish(turn, { areWritesDisabled: true });
  answer(turn, stepDown.replyTo);
  if (successor === undefined) return;
  log(turn, { id: 21347, message: 'Handing off election', attributes: { target: successor } });
  emit(turn, { kind: 'handOff', target: successor });
}

/** The caught-up electable member of the highest priority; the first of equals. Source: election handoff. */
function chooseSuccessor(state: State): string | undefined {
  let best: OtherEntry | undefined;
  for (const entry of othersOf(state)) {
    if (!isCaughtUp(state, entry) || !isElectableSecondary(entry)) continue;
    if (best === undefined || priorityOf(entry.member) > priorityOf(best.member)) best = entry;
  }
  return best?.member.host;
}
