/** The questions the replication core has other members asked, and what came back as its inputs. */
import { CommandError } from '../base/command_error.ts';
import { NetworkError } from '../base/env.ts';
import { ms, type Ms } from '../base/units.ts';
import { encodeDocument } from '../bson/codec.ts';
import type { Effect } from '../replication/effect.ts';
import { decodeHeartbeatReply, encodeHeartbeatRequest } from '../replication/heartbeat_documents.ts';
import type { InputBody, RequestResult } from '../replication/input.ts';
import { decodeVoteReply, encodeVoteRequest } from '../replication/message_documents.ts';
import type { Peers } from './peers.ts';
import type { SelfResolver } from './self_resolver.ts';

export type EffectOf<Kind extends Effect['kind']> = Extract<Effect, { kind: Kind }>;

/** MongoDB's HostUnreachable. */
const HOST_UNREACHABLE = 6;

const HAND_OFF_TIMEOUT_MS = ms(10_000);

export class MemberRequests {
  readonly #peers: Peers;
  readonly #self: SelfResolver;
  readonly #submit: (input: InputBody) => void;

  constructor(options: {
    readonly peers: Peers;
    readonly self: SelfResolver;
    readonly submit: (input: InputBody) => void;
  }) {
    this.#peers = options.peers;
    this.#self = options.self;
    this.#submit = options.submit;
  }

  async sendHeartbeat(effect: EffectOf<'sendHeartbeat'>): Promise<void> {
    const { target, requestId, request, timeout } = effect;
    const result = await this.#ask({ target, body: encodeHeartbeatRequest(request), timeout }, decodeHeartbeatReply);
    // The core must be able to find this member in a configuration it has not seen before.
    if (result.kind === 'reply' && result.reply.config !== undefined) {
      await this.#self.learn(result.reply.config.members.map(({ host }) => host));
    }
    this.#submit({ kind: 'heartbeatResult', requestId, target, result });
  }

  async sendVoteRequest(effect: EffectOf<'sendVoteRequest'>): Promise<void> {
    const { target, requestId, request, timeout } = effect;
    const result = await this.#ask({ target, body: encodeVoteRequest(request), timeout }, decodeVoteReply);
    this.#submit({ kind: 'voteResult', requestId, target, result });
  }

  /** Asks a member to stand for election; what comes of it does not matter. */
  async handOff(target: string): Promise<void> {
    const body = encodeDocument({ replSetStepUp: 1, skipDryRun: true });
    await this.#ask({ target, body, timeout: HAND_OFF_TIMEOUT_MS }, () => undefined);
  }

  async #ask<Reply>(
    question: { readonly target: string; readonly body: Uint8Array; readonly timeout: Ms },
    decode: (reply: Uint8Array) => Reply,
  ): Promise<RequestResult<Reply>> {
    const { target, body, timeout } = question;
    try {
      return { kind: 'reply', reply: decode(await this.#peers.run(target, { purpose: 'control', body, timeout })) };
    } catch (error) {
      if (error instanceof NetworkError) {
        const { kind, message } = error;
        if (kind === 'refused' || kind === 'timeout') return { kind, message };
        return { kind: 'error', code: HOST_UNREACHABLE, message };
      }
      if (error instanceof CommandError) return { kind: 'error', code: error.code, message: error.message };
      throw error;
    }
  }
}
