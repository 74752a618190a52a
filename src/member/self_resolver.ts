/**
 * Which host of a configuration is this member: the addresses it listens on say so at once; of any other name with the
 * same process behind it, the process itself tells when asked over the network (`_isSelf`).
 */
import type { Env } from '../base/env.ts';
import { ms } from '../base/units.ts';
import { decodePlain, encodeDocument } from '../bson/codec.ts';
import { PeerConnection } from './peer_connection.ts';

const TIMEOUT_MS = ms(2000);

const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1', '[::1]']);

export interface SelfResolverOptions {
  readonly env: Env;
  readonly bindAddresses: readonly string[];
  /** Known once the member listens. */
  readonly port: () => number;
  /** What `_isSelf` answers here: hexadecimal digits, unique to this process. */
  readonly id: string;
}

export class SelfResolver {
  readonly #options: SelfResolverOptions;
  readonly #known = new Map<string, boolean>();

  constructor(options: SelfResolverOptions) {
    this.#options = options;
  }

  /** False for what was not learnt. */
  isSelf(host: string): boolean {
    return this.#known.get(host) ?? this.#byAddress(host) ?? false;
  }

  /** Asks about those hosts whose address does not tell. Never rejects: a host that does not answer is not known. */
  async learn(hosts: readonly string[]): Promise<void> {
    const unknown = hosts.filter((host) => !this.#known.has(host) && this.#byAddress(host) === undefined);
    await Promise.all(unknown.map((host) => this.#ask(host)));
  }

  /** Undefined: the name does not tell. */
  #byAddress(host: string): boolean | undefined {
    const colon = host.lastIndexOf(':');
    const name = host.slice(0, colon);
    const { bindAddresses, port } = this.#options;
    const isOwnAddress = LOOPBACK.has(name) || bindAddresses.includes(name);
    return isOwnAddress ? Number(host.slice(colon + 1)) === port() : undefined;
  }

  async #ask(host: string): Promise<void> {
    try {
      const peer = await PeerConnection.connect(this.#options.env, host, TIMEOUT_MS);
      try {
        const reply = decodePlain(await peer.request(encodeDocument({ _isSelf: 1, $db: 'admin' }), TIMEOUT_MS));
        this.#known.set(host, String(reply['id']) === this.#options.id);
      } finally {
        peer.close();
      }
    } catch (error) {
      if (error instanceof Error && error.name === 'InvariantError') throw error;
      // Whoever does not answer cannot be this process; asked again with the next configuration.
    }
  }
}
