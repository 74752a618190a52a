/** One step: the state, the time, and the effects gathered so far. */
import type { CommandError } from '../base/command_error.ts';
import type { LogComponent, LogSeverity } from '../base/log.ts';
import type { Ms, UnixMs } from '../base/units.ts';
import { ms } from '../base/units.ts';
import type { PlainDocument } from './document.ts';
import type { Effect } from './effect.ts';
import type { ReplyTo } from './input.ts';
import type { State } from './state.ts';

export interface Turn {
  readonly state: State;
  readonly now: Ms;
  readonly wall: UnixMs;
  /** In the order in which they are to be carried out. */
  readonly effects: Effect[];
}

export function emit(turn: Turn, effect: Effect): void {
  turn.effects.push(effect);
}

export interface LogText {
  readonly component?: LogComponent;
  readonly severity?: LogSeverity;
  /** MongoDB's id of the message. */
  readonly id: number;
  readonly message: string;
  readonly attributes?: Readonly<Record<string, unknown>>;
}

export function log(turn: Turn, { component = 'REPL', severity = 'I', id, message, attributes = {} }: LogText): void {
  emit(turn, { kind: 'log', line: { severity, component, id, context: 'replication', message, attributes } });
}

/** What most answers say beside `ok`. */
export const NO_FIELDS: PlainDocument = {};

export function answer(turn: Turn, replyTo: ReplyTo, document: PlainDocument = NO_FIELDS): void {
  emit(turn, { kind: 'reply', replyTo, reply: { kind: 'document', document } });
}

export function refuse(turn: Turn, replyTo: ReplyTo, error: CommandError): void {
  emit(turn, { kind: 'reply', replyTo, reply: { kind: 'error', error } });
}

/** Tells waiting hellos; before a config there is nothing to tell. Source: MongoDB's streaming hello. */
export function raiseTopologyCounter(turn: Turn): void {
  if (turn.state.config === undefined) return;
  turn.state.topologyCounter += 1;
  emit(turn, { kind: 'topologyChanged', counter: turn.state.topologyCounter });
}

export function later(turn: Turn, delay: number): Ms {
  return ms(turn.now + delay);
}

/** Uniform in [0, below). */
export function randomBelow(turn: Turn, below: number): number {
  return turn.state.options.random() * below;
}

export function takeRequestId(turn: Turn): number {
  const id = turn.state.nextRequestId;
  turn.state.nextRequestId += 1;
  return id;
}
