/** Run as a child process with a {@link Reading}, a number of documents and of seconds: tells its parent the result, and ends. */
import { tmpdir } from 'node:os';
import { largeDocument } from '../data.ts';
import { repeatTimed } from '../load.ts';
import type { Reading } from './reading.ts';
import { TIMESTAMP_NULL } from '../../src/base/optime.ts';

const [reading, documents, seconds] = process.argv.slice(2);
const count = Number(documents);

/** Goes over everything once; returns how many documents it saw. */
type Pass = () => number;

const passes: Record<Reading, () => Pass | Promise<Pass>> = { walk: walkPass, store: storePass };

/** Documents in buffers of about this size, one after the other. */
const BUFFER_BYTES = 8192;

function walkPass(): Pass {
  const buffers: Buffer[] = [];
  let parts: Uint8Array[] = [];
  let bytes = 0;
  for (let i = 0; i < count; i++) {
    const document = largeDocument(i, count);
    parts.push(document);
    bytes += document.length;
    if (bytes + document.length > BUFFER_BYTES || i === count - 1) {
      buffers.push(Buffer.concat(parts));
      parts = [];
      bytes = 0;
    }
  }
  return () => buffers.reduce((sum, buffer) => sum + walk(buffer), 0);
}

/** Steps from field to field, as any search for one has to. */
function walk(bytes: Uint8Array): number {
  let seen = 0;
  let at = 0;
  while (at < bytes.length) {
    at += 4;
    for (let type = bytes[at++]; type !== 0; type = bytes[at++]) {
      while (bytes[at++] !== 0);
      at += valueSize(type, bytes, at);
    }
    seen += 1;
  }
  return seen;
}

/** Of the types that the documents have: strings and int32. */
function valueSize(type: number, bytes: Uint8Array, at: number): number {
  if (type === 0x02) return 4 + (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24));
  if (type === 0x10) return 4;
  throw new Error(`a value of type ${type}`);
}

/** The store as it is compiled, over memory and all in its cache. */
async function storePass(): Promise<Pass> {
  const compiled = <Module>(path: string): Promise<Module> =>
    import(new URL(`../../dist/${path}`, import.meta.url).href) as Promise<Module>;
  const { Store } = await compiled<typeof import('../../src/storage/store.ts')>('storage/store.js');
  const { MemoryBaseStore } =
    await compiled<typeof import('../../src/storage/memory_base_store.ts')>('storage/memory_base_store.js');
  const { createHostEnv } = await compiled<typeof import('../../src/host/env.ts')>('host/env.js');
  const { NO_LOG } = await compiled<typeof import('../../src/base/log.ts')>('base/log.js');
  const env = createHostEnv(tmpdir());
  const onFailure = (error: unknown): void => {
    throw error;
  };
  const base = new MemoryBaseStore();
  const store = await Store.open({ base, env, log: NO_LOG, cacheBytesMax: 2 ** 30, onFailure });
  const table = store.createTable({ kind: 'documents', replicated: false });
  for (let i = 0; i < count; i++) table.put(keyOf(i), largeDocument(i, count), TIMESTAMP_NULL);
  await store.checkpoint();
  return () => {
    const cursor = table.cursor();
    let seen = 0;
    while (cursor.next()) if (cursor.valueBytes[cursor.valueEnd - 1] === 0) seen += 1;
    return seen;
  };
}

const keyOf = (n: number): Uint8Array => Uint8Array.of(0, 0, n >>> 24, n >>> 16, n >>> 8, n);

const pass = await passes[reading as Reading]();
const operation = (): Promise<void> => {
  const seen = pass();
  if (seen !== count) throw new Error(`${reading} saw ${seen} of ${count} documents`);
  return Promise.resolve();
};
process.send?.(await repeatTimed({ units: count, operation }, Number(seconds)));
process.on('disconnect', () => process.exit());
