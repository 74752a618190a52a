/** Stands where a target stands for the rows that measure the machine itself: it runs the echo server as a child. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Connection } from './connection.ts';
import { runClosedLoop, type Result } from './load.ts';
import { OPS } from './metrics.ts';
import { findById } from './operations.ts';
import type { EchoRow } from './row.ts';

export function echoRows(): EchoRow[] {
  return [1, 16, 64].map((connections) => ({
    name: `echo${connections}`,
    title: `bare Node request/reply, ${connections} connection${connections === 1 ? '' : 's'}`,
    metrics: [OPS],
    connections,
  }));
}

export class EchoTarget {
  #child: ChildProcess | undefined;
  #port = 0;

  /** The same request as P1, so that the difference is the server's work alone. */
  async run({ connections }: EchoRow, seconds: number): Promise<Result> {
    await this.#start();
    const opened = await Connection.openAll({ host: '127.0.0.1', port: this.#port }, connections);
    const clients = opened.map((connection) => {
      const operation = findById('echo', () => 0);
      return { connection, chooseOperation: () => operation };
    });
    return runClosedLoop(clients, seconds);
  }

  async #start(): Promise<void> {
    if (this.#child !== undefined) return;
    this.#child = fork(join(import.meta.dirname, 'echo_server.ts'));
    const [message] = await once(this.#child, 'message');
    this.#port = Number(message.port);
  }

  close(): void {
    this.#child?.disconnect();
  }
}
