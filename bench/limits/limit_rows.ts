/** Rows that measure the machine itself and not a target: what the rows of targets can reach at most. */
import { sharedCollections } from '../data.ts';
import { DOCS, OPS } from '../metrics.ts';
import type { LimitRow, RowOptions } from '../row.ts';
import { measureEcho, type Echo } from './echo.ts';
import { measureReading } from './reading.ts';

/** A find's that returned one document, and one that returned 100 of 1 KB. */
const SMALL_REPLY_BYTES = 300;
const LARGE_REPLY_BYTES = 103_500;

export function limitRows({ seconds, scale }: RowOptions): LimitRow[] {
  const { large } = sharedCollections(scale);
  const memoryMebibytes = Math.ceil((large.count * 1024) / 2 ** 20);
  const echo = (name: string, title: string, options: Echo): LimitRow => ({
    name,
    title: `bare Node request/reply${title}, ${options.connections} connection${options.connections === 1 ? '' : 's'}`,
    metrics: [OPS],
    measure: () => measureEcho(options, seconds),
  });
  const documents = `${large.count.toLocaleString('en-US')} × 1 KB`;
  return [
    ...[1, 16, 64].map((connections) => echo(`echo${connections}`, '', { connections, replyBytes: SMALL_REPLY_BYTES })),
    echo('echo8x100k', ' of 100 KB', { connections: 8, replyBytes: LARGE_REPLY_BYTES }),
    echo('gather8x100k', ` of 100 KB from random places of ${memoryMebibytes} MiB`, {
      connections: 8,
      replyBytes: LARGE_REPLY_BYTES,
      memoryMebibytes,
    }),
    {
      name: 'walk',
      title: `walk over the fields of ${documents} in memory`,
      metrics: [DOCS],
      measure: () => measureReading('walk', large.count, seconds),
    },
    {
      name: 'store',
      title: `scan of a store's table of ${documents}`,
      metrics: [DOCS],
      measure: () => measureReading('store', large.count, seconds),
    },
  ];
}
