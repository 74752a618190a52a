/** Several scripted members, virtual time, and a network that is a bag of messages. */
import type { CommandError } from '../../src/base/command_error.ts';
import { ms, type Ms } from '../../src/base/units.ts';
import type { Effect, Reply } from '../../src/replication/effect.ts';
import type { InputBody, ReplyTo } from '../../src/replication/input.ts';
import { MEMBER_STATE, stateName, type MemberState } from '../../src/replication/member_state.ts';
import type { UpdatePosition, VoteReply, VoteRequest } from '../../src/replication/messages.ts';
import { shown, type ScriptedMember, type Surroundings, type Topic } from './member.ts';

type Request = Extract<Effect, { kind: 'sendHeartbeat' } | { kind: 'sendVoteRequest' }>;

type Payload =
  | { readonly kind: 'request'; readonly request: Request }
  | { readonly kind: 'reply'; readonly request: Request; readonly reply: Reply }
  | { readonly kind: 'failure'; readonly request: Request; readonly why: 'refused' | 'timeout' }
  | { readonly kind: 'positions'; readonly update: UpdatePosition }
  | { readonly kind: 'stepUp' };

interface Message {
  readonly at: Ms;
  readonly from: number;
  readonly to: number;
  readonly payload: Payload;
}

/** One way, in ms. */
const LATENCY = 1;

export class World implements Surroundings {
  now: Ms = ms(1000);
  readonly members: ScriptedMember[] = [];
  readonly topics = new Set<Topic>(['state', 'votes', 'persist', 'writes']);
  /** Members between which nothing passes: 'from->to'. */
  readonly cut = new Set<string>();
  #bag: Message[] = [];
  #lines: string[] = [];
  #startedAt: Ms = ms(0);
  #isTimed = false;
  #nextReplyTo = 1;
  readonly #waiting = new Map<ReplyTo, { kind: 'message'; message: Message } | { kind: 'command'; name: string }>();

  member(id: number | string): ScriptedMember {
    const member = this.members[Number(id) - 1];
    if (member === undefined) throw new Error(`no member ${id}`);
    return member;
  }

  byHost(host: string): ScriptedMember | undefined {
    return this.members.find((member) => member.host === host);
  }

  canTalk(a: ScriptedMember, b: ScriptedMember): boolean {
    return !this.cut.has(`${a.id}->${b.id}`) && !this.cut.has(`${b.id}->${a.id}`);
  }

  /** The lines traced while `work` ran. */
  capture(work: () => void, options: { isTimed: boolean }): string[] {
    this.#lines = [];
    this.#startedAt = this.now;
    this.#isTimed = options.isTimed;
    work();
    return this.#lines;
  }

  trace(topic: Topic, line: string): void {
    if (!this.topics.has(topic)) return;
    this.#lines.push(this.#isTimed ? `+${Math.round(this.now - this.#startedAt)} ${line}` : line);
  }

  traceState(member: ScriptedMember, from: MemberState, to: MemberState): void {
    // Members that start run through these at once.
    const isPassing = from === MEMBER_STATE.STARTUP || to === MEMBER_STATE.RECOVERING;
    if (isPassing && member.core.memberState !== to) return;
    this.trace('state', `${member.id} ${stateName(from)} -> ${stateName(to)} term:${member.core.term}`);
  }

  sendRequest(from: ScriptedMember, request: Request): void {
    const target = this.byHost(request.target);
    if (request.kind === 'sendVoteRequest')
      this.trace('votes', `${from.id}->${target?.id} ${shownVote(request.request)}`);
    else if (this.topics.has('heartbeats'))
      this.trace('heartbeats', `${from.id}->${target?.id ?? request.target} heartbeat`);
    if (target === undefined || !target.isRunning) {
      this.#post({ from: from.id, to: from.id, delay: LATENCY, payload: { kind: 'failure', request, why: 'refused' } });
      return;
    }
    this.#post({ from: from.id, to: target.id, delay: LATENCY, payload: { kind: 'request', request } });
    if (target.isPaused)
      this.#post({
        from: from.id,
        to: from.id,
        delay: request.timeout,
        payload: { kind: 'failure', request, why: 'timeout' },
      });
  }

  sendHandOff(from: ScriptedMember, target: string): void {
    const to = this.byHost(target)?.id ?? 0;
    this.trace('votes', `${from.id}->${to} replSetStepUp`);
    this.#post({ from: from.id, to, delay: LATENCY, payload: { kind: 'stepUp' } });
  }

  sendPositions(from: ScriptedMember): void {
    const update = from.core.updatePosition();
    const source = this.byHost(from.core.syncSource ?? '');
    if (update === undefined || source === undefined) return;
    this.#post({ from: from.id, to: source.id, delay: LATENCY, payload: { kind: 'positions', update } });
  }

  #post(message: Omit<Message, 'at'> & { delay: number }): void {
    const { delay, ...rest } = message;
    this.#bag.push({ ...rest, at: ms(this.now + delay) });
  }

  /** Answers of the core to messages and to commands of the script. */
  reply(member: ScriptedMember, replyTo: ReplyTo, reply: Reply): void {
    const waiting = this.#waiting.get(replyTo);
    this.#waiting.delete(replyTo);
    if (waiting === undefined) return;
    if (waiting.kind === 'command') {
      this.trace('state', `${member.id} ${waiting.name}: ${shownReply(reply)}`);
      return;
    }
    const { payload, from } = waiting.message;
    if (payload.kind !== 'request') return;
    if (reply.kind === 'vote') this.trace('votes', `${member.id}->${from} ${shownVoteReply(reply.reply)}`);
    if (reply.kind === 'error') this.trace('votes', `${member.id}->${from} error: ${reply.error.message}`);
    this.#post({
      from: member.id,
      to: from,
      delay: LATENCY,
      payload: { kind: 'reply', request: payload.request, reply },
    });
  }

  /** A command of the script whose answer is shown when it comes. */
  command(member: ScriptedMember, name: string, input: (replyTo: ReplyTo) => InputBody): void {
    const replyTo = this.#newReplyTo();
    this.#waiting.set(replyTo, { kind: 'command', name });
    member.step(input(replyTo));
  }

  #newReplyTo(): ReplyTo {
    this.#nextReplyTo += 1;
    return this.#nextReplyTo;
  }

  /** Loses messages that are under way; their senders never hear of them, or at their timeout. */
  drop(from: number | undefined): void {
    const lost = this.#bag.filter((message) => message.from !== message.to && (from ?? message.from) === message.from);
    this.#bag = this.#bag.filter((message) => !lost.includes(message));
    for (const message of lost) this.#lose(message);
  }

  #lose({ from, to, payload }: Message): void {
    if (payload.kind === 'request') {
      const failure: Payload = { kind: 'failure', request: payload.request, why: 'timeout' };
      this.#post({ from, to: from, delay: payload.request.timeout, payload: failure });
    } else if (payload.kind === 'reply') {
      const failure: Payload = { kind: 'failure', request: payload.request, why: 'timeout' };
      this.#post({ from: to, to, delay: payload.request.timeout, payload: failure });
    }
  }

  /** Delivers what is under way, and what follows from it, without letting timers fire. */
  deliver(): void {
    for (let rounds = 0; rounds < 50; rounds++) {
      const next = this.#earliest();
      if (next === undefined || next.at > this.now + 20) return;
      this.now = ms(Math.max(this.now, next.at));
      this.#deliver(next);
    }
  }

  /** Lets time pass: messages arrive, timers fire, members fetch. */
  run(duration: number): void {
    const end = this.now + duration;
    for (;;) {
      this.#fetchAll();
      const message = this.#earliest();
      const timers = this.members
        .filter((member) => member.isRunning && !member.isPaused)
        .map((member) => member.core.deadline);
      const at = Math.min(message?.at ?? Infinity, ...timers);
      if (at > end) break;
      this.now = ms(Math.max(this.now, at));
      if (message !== undefined && message.at <= this.now) this.#deliver(message);
      else this.tickDue();
    }
    this.now = ms(end);
  }

  tickDue(): void {
    for (const member of this.members) {
      if (member.isRunning && !member.isPaused && member.core.deadline <= this.now) member.step({ kind: 'tick' });
    }
  }

  #fetchAll(): void {
    for (let rounds = 0; rounds < 10; rounds++) {
      const hasMoved = this.members.filter((member) => member.fetches && member.fetch());
      if (hasMoved.length === 0) return;
    }
  }

  #earliest(): Message | undefined {
    let earliest: Message | undefined;
    for (const message of this.#bag) {
      // What is sent to a stopped process waits in its sockets; timeouts of its peers run on.
      if (this.member(message.to).isPaused) continue;
      if (earliest === undefined || message.at < earliest.at) earliest = message;
    }
    return earliest;
  }

  #deliver(message: Message): void {
    this.#bag = this.#bag.filter((other) => other !== message);
    const receiver = this.member(message.to);
    if (!receiver.isRunning) {
      this.#bounce(message);
      return;
    }
    if (message.from !== message.to && this.cut.has(`${message.from}->${message.to}`)) {
      this.#lose(message);
      return;
    }
    this.#receive(receiver, message);
  }

  /** The receiver died meanwhile: its peer notices. */
  #bounce({ from, payload }: Message): void {
    if (payload.kind !== 'request') return;
    this.#post({
      from,
      to: from,
      delay: LATENCY,
      payload: { kind: 'failure', request: payload.request, why: 'refused' },
    });
  }

  #receive(receiver: ScriptedMember, message: Message): void {
    const { payload } = message;
    switch (payload.kind) {
      case 'request': {
        const replyTo = this.#newReplyTo();
        this.#waiting.set(replyTo, { kind: 'message', message });
        if (payload.request.kind === 'sendVoteRequest') {
          return receiver.step({ kind: 'voteRequest', request: payload.request.request, replyTo });
        }
        return receiver.step({ kind: 'heartbeatRequest', request: payload.request.request, replyTo });
      }
      case 'reply':
        return receiver.step(resultInput(payload.request, payload.reply));
      case 'failure':
        return receiver.step(failureInput(payload.request, payload.why));
      case 'positions':
        return receiver.step({ kind: 'updatePosition', update: payload.update, replyTo: this.#newReplyTo() });
      case 'stepUp':
        return receiver.step({ kind: 'stepUp', skipDryRun: true, replyTo: this.#newReplyTo() });
    }
  }

  /** One line for each member. */
  describe(): string[] {
    return this.members.map((member) => {
      if (!member.isRunning) return `${member.id} down`;
      const { core } = member;
      const writable = core.isWritablePrimary ? ' writable' : '';
      const primary = this.byHost(core.primary ?? '')?.id ?? 'none';
      const parts = [`term:${core.term}`, `last:${shown(member.last)}`, `commit:${shown(core.commitPoint.optime)}`];
      return `${member.id} ${stateName(core.memberState)}${writable} ${parts.join(' ')} primary:${primary}`;
    });
  }
}

function resultInput(request: Request, reply: Reply): InputBody {
  const { requestId, target } = request;
  if (reply.kind === 'heartbeat') {
    return { kind: 'heartbeatResult', requestId, target, result: { kind: 'reply', reply: reply.reply } };
  }
  if (reply.kind === 'vote') {
    return { kind: 'voteResult', requestId, target, result: { kind: 'reply', reply: reply.reply } };
  }
  const error: CommandError | undefined = reply.kind === 'error' ? reply.error : undefined;
  const result = { kind: 'error', code: error?.code ?? 0, message: error?.message ?? '' } as const;
  return request.kind === 'sendHeartbeat'
    ? { kind: 'heartbeatResult', requestId, target, result }
    : { kind: 'voteResult', requestId, target, result };
}

function failureInput(request: Request, why: 'refused' | 'timeout'): InputBody {
  const { requestId, target } = request;
  const message =
    why === 'refused'
      ? `Error connecting to ${target} :: caused by :: Connection refused`
      : `Request to ${target} timed out`;
  const result = { kind: why, message } as const;
  return request.kind === 'sendHeartbeat'
    ? { kind: 'heartbeatResult', requestId, target, result }
    : { kind: 'voteResult', requestId, target, result };
}

function shownVote(request: VoteRequest): string {
  const config = `config:${request.configTerm}/${request.configVersion}`;
  return `replSetRequestVotes term:${request.term} dryRun:${request.dryRun} last:${shown(request.lastWritten)} ${config}`;
}

function shownVoteReply(reply: VoteReply): string {
  const reason = reply.reason === '' ? '' : ` reason:"${reply.reason}"`;
  return `voteGranted:${reply.voteGranted} term:${reply.term}${reason}`;
}

function shownReply(reply: Reply): string {
  if (reply.kind === 'error') return `${reply.error.codeName} (${reply.error.code}) ${reply.error.message}`;
  if (reply.kind === 'vote') return shownVoteReply(reply.reply);
  if (reply.kind !== 'document') return reply.kind;
  return Object.keys(reply.document).length === 0 ? 'ok' : `ok ${JSON.stringify(reply.document)}`;
}
