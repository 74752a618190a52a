/** A process that appends to a journal under load and tells, line by line, what is durable. Killed by its parent. */
import { writeSync } from 'node:fs';
import { NO_LOG } from '../src/base/log.ts';
import { hostEnv } from '../src/host/env.ts';
import { HostFiles } from '../src/host/files.ts';
import { Journal } from '../src/storage/journal.ts';

const WRITERS = 8;
const [, , folder] = process.argv;
const env = hostEnv(new HostFiles(folder));

const journal = await Journal.open({
  env,
  log: NO_LOG,
  directory: 'journal',
  segmentSizeBytes: 256 * 1024,
  onFailure: (error) => {
    throw error;
  },
});

/** Tells at once: the bytes are in the pipe when it returns. */
function tell(line: string): void {
  let rest = Buffer.from(`${line}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      // The pipe is full: the parent is still reading.
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
    }
  }
}

function record(sequence: number): Uint8Array {
  const bytes = new Uint8Array(8 + ((sequence * 7919) % 900)).fill(sequence & 0xff);
  new DataView(bytes.buffer).setUint32(0, sequence);
  return bytes;
}

async function write(): Promise<void> {
  for (;;) {
    const sequence = journal.append(record(journal.appended + 1));
    if (sequence % 3 === 0) {
      journal.flush();
      tell(`flushed ${sequence}`);
    }
    await journal.durableAt(sequence);
    tell(`durable ${sequence}`);
    if (sequence % 500 === 0) journal.dropBefore(Math.max(1, sequence - 1500));
  }
}

await Promise.all(Array.from({ length: WRITERS }, write));
