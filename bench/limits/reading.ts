/** How fast documents can be read where they lie, without a server. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Result } from '../load.ts';

/** Over the fields of documents that lie one after the other, or over the entries of a store's table. */
export type Reading = 'walk' | 'store';

/** In a process of its own, whose compiler has seen nothing else. */
export async function measureReading(reading: Reading, documents: number, seconds: number): Promise<Result> {
  const reader = fork(join(import.meta.dirname, 'reader.ts'), [reading, String(documents), String(seconds)]);
  try {
    const [result] = await once(reader, 'message');
    return result;
  } finally {
    reader.disconnect();
  }
}
