/** The two ends of one simulated connection. */
import type { Connection, ConnectionHandler } from '../base/env.ts';
import { invariant } from '../base/invariant.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimProcess } from './sim_process.ts';

/** A connection whose bytes are held back for longer than this breaks. */
const HELD_MS_MAX = 15_000;

/** Where one end lives. */
export interface Endpoint {
  readonly host: string;
  readonly process: SimProcess;
}

export interface Side {
  readonly endpoint: Endpoint;
  readonly address: string;
}

/** What a stream asks of its network. */
export interface Carrier {
  isBlocked(from: string, to: string): boolean;
  /** One-way delay of the next chunk, in virtual ms. */
  drawDelay(): number;
  /** Whether the network breaks a connection at this chunk. */
  drawBreak(): boolean;
  /** Told of every chunk that is on its way. */
  sent(bytes: Uint8Array): void;
  forget(pair: StreamPair): void;
}

export class StreamPair {
  readonly client: Stream;
  readonly server: Stream;
  readonly carrier: Carrier;
  readonly scheduler: Scheduler;
  #isBroken = false;

  constructor(carrier: Carrier, scheduler: Scheduler, client: Side, server: Side) {
    this.carrier = carrier;
    this.scheduler = scheduler;
    this.client = new Stream(this, client, server);
    this.server = new Stream(this, server, client);
  }

  peerOf(stream: Stream): Stream {
    return stream === this.client ? this.server : this.client;
  }

  belongsTo(process: SimProcess): boolean {
    return this.client.process === process || this.server.process === process;
  }

  /** Sends on what a partition held back. */
  flush(): void {
    this.client.flush();
    this.server.flush();
  }

  /** Both ends learn of it, each after a delay of its own. */
  breakUp(): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.client.closeAfter(this.carrier.drawDelay());
    this.server.closeAfter(this.carrier.drawDelay());
    this.carrier.forget(this);
  }
}

class Stream implements Connection {
  readonly localAddress: string;
  readonly remoteAddress: string;
  readonly process: SimProcess;
  readonly queuedBytes = 0;
  readonly #pair: StreamPair;
  readonly #host: string;
  readonly #peerHost: string;
  #handler: ConnectionHandler | undefined;
  /** Sent, and held back by a partition. */
  #held: Uint8Array[] = [];
  /** Received before `start`, or while paused. */
  readonly #received: Uint8Array[] = [];
  #arrivesAtMs = 0;
  #isPaused = false;
  #isClosed = false;
  #mustReportClose = false;

  constructor(pair: StreamPair, mine: Side, other: Side) {
    this.#pair = pair;
    this.localAddress = mine.address;
    this.remoteAddress = other.address;
    this.process = mine.endpoint.process;
    this.#host = mine.endpoint.host;
    this.#peerHost = other.endpoint.host;
  }

  start(handler: ConnectionHandler): void {
    invariant(this.#handler === undefined, 'a connection is started once');
    this.#handler = handler;
    this.#deliverReceived();
    if (this.#mustReportClose) handler.closed();
  }

  send(bytes: Uint8Array): void {
    if (this.#isClosed || !this.process.isAlive) return;
    if (this.#held.length > 0 || this.#pair.carrier.isBlocked(this.#host, this.#peerHost)) this.#hold(bytes);
    else this.#transmit(bytes);
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#deliverReceived();
  }

  close(): void {
    if (this.#isClosed) return;
    this.closeAfter(0);
    const peer = this.#pair.peerOf(this);
    peer.closeAfter(Math.max(this.#pair.carrier.drawDelay(), this.#arrivesAtMs - this.#pair.scheduler.nowMs));
    this.#pair.carrier.forget(this.#pair);
  }

  flush(): void {
    const held = this.#held;
    this.#held = [];
    for (const bytes of held) this.send(bytes);
  }

  closeAfter(delayMs: number): void {
    this.process.schedule(delayMs, () => {
      if (this.#isClosed) return;
      this.#isClosed = true;
      this.#mustReportClose = true;
      this.#handler?.closed();
    });
  }

  #hold(bytes: Uint8Array): void {
    this.#held.push(bytes);
    if (this.#held.length > 1) return;
    const first = bytes;
    this.#pair.scheduler.after(HELD_MS_MAX, () => {
      if (this.#held[0] === first) this.#pair.breakUp();
    });
  }

  #transmit(bytes: Uint8Array): void {
    const { carrier, scheduler } = this.#pair;
    if (carrier.drawBreak()) {
      this.#pair.breakUp();
      return;
    }
    carrier.sent(bytes);
    this.#arrivesAtMs = Math.max(this.#arrivesAtMs, scheduler.nowMs + carrier.drawDelay());
    const peer = this.#pair.peerOf(this);
    peer.process.schedule(this.#arrivesAtMs - scheduler.nowMs, () => peer.#receive(bytes));
  }

  #receive(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    this.#received.push(bytes);
    this.#deliverReceived();
  }

  #deliverReceived(): void {
    while (!this.#isPaused && this.#handler !== undefined && !this.#isClosed) {
      const bytes = this.#received.shift();
      if (bytes === undefined) return;
      // The sender's own bytes: it must not change them, and the receiver may only look.
      this.#handler.data(bytes);
    }
  }
}
