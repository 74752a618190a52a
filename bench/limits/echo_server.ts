/**
 * The machine's own limit: a bare Node net server, run as a child process, that answers each message with one fixed
 * reply of the size that it is told, a find's that returned documents. Told an amount of memory too (MiB, 0 for none), it
 * copies a reply's text from random places of that, a KB from each. Tells its parent the port, and ends when the parent does.
 */
import net from 'node:net';
import { Double } from 'bson';
import { filler, randomIntegers } from '../random.ts';
import { answer, buildRequest } from '../wire.ts';

const AROUND_TEXT_BYTES = 120;
const PIECE_BYTES = 1024;

const [replyBytes = 0, memoryMebibytes = 0] = process.argv.slice(2).map(Number);
const pad = filler(replyBytes - AROUND_TEXT_BYTES, 0);
const template = buildRequest({
  cursor: { firstBatch: [{ _id: 0, pad }], id: 0n, ns: 'bench.echo' },
  ok: new Double(1),
});
const textStart = template.indexOf(pad);
const textEnd = textStart + pad.length;

const memory = Buffer.alloc(memoryMebibytes * 2 ** 20, 'x');
const pieces = Math.floor(memory.length / PIECE_BYTES);
const random = randomIntegers(521288629);

function gather(reply: Buffer): void {
  for (let at = textStart; at + PIECE_BYTES <= textEnd; at += PIECE_BYTES) {
    const from = random(pieces) * PIECE_BYTES;
    memory.copy(reply, at, from, from + PIECE_BYTES);
  }
}

function serve(socket: net.Socket): void {
  const reply = Buffer.from(template); // one per connection, which has one request in flight
  let pending: Buffer | undefined;
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    const bytes = pending === undefined ? chunk : Buffer.concat([pending, chunk]);
    const isComplete = bytes.length >= 4 && bytes.length >= bytes.readInt32LE(0);
    pending = isComplete ? undefined : bytes;
    if (!isComplete) return;
    answer(reply, bytes);
    if (pieces > 0) gather(reply);
    socket.write(reply);
  });
}

const server = net.createServer(serve);
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') process.send?.({ port: address.port });
});
process.on('disconnect', () => process.exit());
