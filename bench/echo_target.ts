/** Stands where a target stands for the rows that measure the machine itself: it runs the echo server as a child. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Connection } from './connection.ts';
import { runClosedLoop, type Result } from './load.ts';
import { OPS } from './metrics.ts';
import { findById } from './operations.ts';
import type { EchoRow } from './row.ts';

/** A find's that returned one document, and one that returned 100 of 1 KB. */
const SMALL_REPLY_BYTES = 300;
const LARGE_REPLY_BYTES = 103_500;

export function echoRows(): EchoRow[] {
  const small = [1, 16, 64].map((connections) => ({
    name: `echo${connections}`,
    title: `bare Node request/reply, ${connections} connection${connections === 1 ? '' : 's'}`,
    metrics: [OPS],
    connections,
    replyBytes: SMALL_REPLY_BYTES,
  }));
  const large = {
    name: 'echo8x100k',
    title: 'bare Node request/reply of 100 KB, 8 connections',
    metrics: [OPS],
    connections: 8,
    replyBytes: LARGE_REPLY_BYTES,
  };
  return [...small, large];
}

export class EchoTarget {
  readonly #children: ChildProcess[] = [];
  /** By the size of its replies. */
  readonly #ports = new Map<number, number>();

  /** The same request as P1, so that the difference is the server's work alone. */
  async run({ connections, replyBytes }: EchoRow, seconds: number): Promise<Result> {
    const port = this.#ports.get(replyBytes) ?? (await this.#start(replyBytes));
    const opened = await Connection.openAll({ host: '127.0.0.1', port }, connections);
    const clients = opened.map((connection) => {
      const operation = findById('echo', () => 0);
      return { connection, chooseOperation: () => operation };
    });
    return runClosedLoop(clients, seconds);
  }

  async #start(replyBytes: number): Promise<number> {
    const child = fork(join(import.meta.dirname, 'echo_server.ts'), [String(replyBytes)]);
    this.#children.push(child);
    const [message] = await once(child, 'message');
    const port = Number(message.port);
    this.#ports.set(replyBytes, port);
    return port;
  }

  close(): void {
    for (const child of this.#children) child.disconnect();
  }
}
