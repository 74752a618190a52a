/** Accepts clients on every address the member listens on, and keeps their connections. */
import type { Connection, Listener } from '../base/env.ts';
import { invariant } from '../base/invariant.ts';
import type { ClientState } from '../commands/context.ts';
import { Dispatcher } from '../commands/dispatch.ts';
import { COMMANDS, commandTableOf, type CommandTable } from '../commands/command_table.ts';
import type { Services } from '../commands/exchange.ts';
import { ClientConnection } from './connection.ts';

export interface ServeOptions {
  readonly services: Services;
  readonly bindAddresses: readonly string[];
  /** 0: any free port, the same on every address. */
  readonly port: number;
  /** Absent: every command there is. */
  readonly table?: CommandTable;
}

export class ClientServer {
  readonly #services: Services;
  readonly #dispatcher: Dispatcher;
  readonly #listeners: Listener[] = [];
  readonly #connections = new Set<ClientConnection>();
  #port = 0;
  #lastId = 0;
  #isClosed = false;

  /** Rejects with NetworkError, 'addressInUse' among them; then nothing listens. */
  static async listen(options: ServeOptions): Promise<ClientServer> {
    invariant(options.bindAddresses.length > 0, 'a member listens somewhere');
    const server = new ClientServer(options);
    try {
      await server.#listen(options);
    } catch (error) {
      server.close();
      throw error;
    }
    return server;
  }

  private constructor({ services, table = commandTableOf(COMMANDS) }: ServeOptions) {
    this.#services = services;
    this.#dispatcher = new Dispatcher(services, table);
  }

  async #listen({ bindAddresses, port }: ServeOptions): Promise<void> {
    this.#port = port;
    for (const address of bindAddresses) {
      const { network } = this.#services.env;
      const listener = await network.listen(address, this.#port, (connection) => this.#accept(connection));
      this.#listeners.push(listener);
      this.#port = listener.port;
    }
  }

  get port(): number {
    return this.#port;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Closes the connections that `chosen` picks. */
  closeConnections(chosen: (client: ClientState) => boolean = () => true): void {
    for (const connection of this.#connections) {
      if (chosen(connection)) connection.close();
    }
  }

  /**
   * For a member that is removed or rolls back: closes the connections whose client did not ask to be spared, because
   * what they know of this member is no longer true.
   */
  closeOnStateChange(): void {
    this.closeConnections((client) => client.hangUpOnStepDown);
  }

  /** Accepts no more; open connections stay. */
  stopAccepting(): void {
    this.#isClosed = true;
    for (const listener of this.#listeners) listener.close();
  }

  close(): void {
    this.stopAccepting();
    this.closeConnections();
  }

  #accept(connection: Connection): void {
    const { connections, parameters } = this.#services.server;
    const isFull = this.#connections.size >= parameters.get('maxIncomingConnections');
    if (isFull || this.#isClosed) {
      connections.rejected += 1;
      if (isFull) this.#log(22_942, 'Connection refused because there are too many open connections', connection);
      connection.close();
      return;
    }
    this.#lastId += 1;
    const client = new ClientConnection(this.#lastId, connection, this.#services, this.#dispatcher);
    this.#connections.add(client);
    connections.current += 1;
    connections.totalCreated += 1;
    this.#log(22_943, 'Connection accepted', connection, client.id);
    client.onClosed(() => {
      this.#connections.delete(client);
      connections.current -= 1;
      this.#log(22_944, 'Connection ended', connection, client.id);
    });
    client.start();
  }

  #log(id: number, message: string, connection: Connection, connectionId?: number): void {
    this.#services.log.write({
      severity: 'I',
      component: 'NETWORK',
      id,
      context: connectionId === undefined || id === 22_943 ? 'listener' : `conn${connectionId}`,
      message,
      attributes: {
        remote: connection.remoteAddress,
        ...(connectionId === undefined ? {} : { connectionId }),
        connectionCount: this.#connections.size,
      },
    });
  }
}
