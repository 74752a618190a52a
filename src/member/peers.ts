/**
 * Commands to other members over kept connections, one per member and purpose, so that a big answer of one kind never
 * delays a heartbeat or a position report.
 */
import { NetworkError, type Env } from '../base/env.ts';
import { ms, type Ms } from '../base/units.ts';
import { fieldName } from '../bson/bytes.ts';
import { findField } from '../bson/elements.ts';
import { BsonWriter } from '../bson/writer.ts';
import { PeerConnection } from './peer_connection.ts';

export type Purpose = 'control' | 'position' | 'sync';

export interface PeerCommand {
  readonly purpose: Purpose;
  /** Default 'admin'. */
  readonly db?: string;
  /** The whole command without `$db`. */
  readonly body: Uint8Array;
  /** For connecting and for the reply, each. */
  readonly timeout: Ms;
}

export interface PeersOptions {
  readonly env: Env;
  /** Nobody listens there: the process of that member is gone. */
  readonly onRefused: (target: string) => void;
}

const DB = fieldName('$db');
const PROBE_TIMEOUT_MS = ms(2000);
const PROBE_AGAIN_MS = ms(10);
const PROBES_MAX = 10;

export class Peers {
  readonly #env: Env;
  readonly #onRefused: (target: string) => void;
  readonly #connections = new Map<string, Promise<PeerConnection>>();
  #isClosed = false;

  constructor(options: PeersOptions) {
    this.#env = options.env;
    this.#onRefused = options.onRefused;
  }

  /**
   * Sends a command and resolves with the body of a good reply. Rejects with CommandError when the member answers with
   * an error, and with NetworkError. A kept connection that turns out to be dead is replaced once.
   */
  async run(target: string, command: PeerCommand): Promise<Uint8Array> {
    const body = withDatabase(command.body, command.db ?? 'admin');
    const key = `${command.purpose} ${target}`;
    const kept = this.#connections.has(key);
    try {
      const connection = await this.#connection(key, target, command.timeout);
      return await connection.request(body, command.timeout);
    } catch (error) {
      if (!kept || !(error instanceof NetworkError) || error.kind !== 'closed' || this.#isClosed) throw error;
      const connection = await this.#connection(key, target, command.timeout);
      return await connection.request(body, command.timeout);
    }
  }

  /**
   * Finds out at once whether `target` still listens, after a connection to it broke. A dying process may take a
   * connection yet and drop it: then it is asked again a little later.
   */
  probe(target: string): void {
    // What matters, a refusal, is told to `onRefused`; anything else the next heartbeat will show.
    void this.#probe(target, PROBES_MAX);
  }

  async #probe(target: string, attempts: number): Promise<void> {
    if (this.#isClosed || attempts === 0) return;
    try {
      const connection = await PeerConnection.connect(this.#env, target, PROBE_TIMEOUT_MS);
      connection.close();
    } catch (error) {
      if (!(error instanceof NetworkError) || this.#isClosed) return;
      if (error.kind === 'refused') this.#onRefused(target);
      if (error.kind !== 'closed') return;
      this.#env.timers.after(PROBE_AGAIN_MS, () => void this.#probe(target, attempts - 1));
    }
  }

  /** Closes every connection; nothing is sent any more. */
  close(): void {
    this.#isClosed = true;
    for (const connection of this.#connections.values()) {
      connection.then(
        (peer) => peer.close(),
        () => {},
      );
    }
    this.#connections.clear();
  }

  async #connection(key: string, target: string, timeout: Ms): Promise<PeerConnection> {
    if (this.#isClosed) throw new NetworkError('closed', 'this member shuts down');
    const kept = this.#connections.get(key);
    if (kept !== undefined) {
      const connection = await kept;
      if (!connection.isClosed) return connection;
      // Another request may have replaced it while this one waited.
      if (this.#connections.get(key) === kept) this.#connections.delete(key);
      return await this.#connection(key, target, timeout);
    }
    const opening = this.#open(key, target, timeout);
    this.#connections.set(key, opening);
    return await opening;
  }

  async #open(key: string, target: string, timeout: Ms): Promise<PeerConnection> {
    try {
      const connection = await PeerConnection.connect(this.#env, target, timeout);
      if (this.#isClosed) connection.close();
      return connection;
    } catch (error) {
      this.#connections.delete(key);
      if (error instanceof NetworkError && error.kind === 'refused' && !this.#isClosed) this.#onRefused(target);
      throw error;
    }
  }
}

function withDatabase(body: Uint8Array, db: string): Uint8Array {
  if (findField(body, DB) !== undefined) return body;
  return new BsonWriter().startDocument().fieldsOf(body).string('$db', db).endDocument().finish();
}
