/** How fast a bare server answers. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Connection } from '../connection.ts';
import { runClosedLoop, type Result } from '../load.ts';
import { findById } from '../operations.ts';

export interface Echo {
  readonly connections: number;
  /** Of each reply, about. */
  readonly replyBytes: number;
  /** Replies are put together from random places of this much memory; absent: they are there already. */
  readonly memoryMebibytes?: number;
}

/** The same request as P1, so that the difference is the server's work alone. */
export async function measureEcho(
  { connections, replyBytes, memoryMebibytes = 0 }: Echo,
  seconds: number,
): Promise<Result> {
  const server = fork(join(import.meta.dirname, 'echo_server.ts'), [String(replyBytes), String(memoryMebibytes)]);
  try {
    const [{ port }] = await once(server, 'message');
    const opened = await Connection.openAll({ host: '127.0.0.1', port }, connections);
    const clients = opened.map((connection) => {
      const operation = findById('echo', () => 0);
      return { connection, chooseOperation: () => operation };
    });
    return await runClosedLoop(clients, seconds);
  } finally {
    server.disconnect();
  }
}
