/**
 * The machine's own limit: a bare Node net server, run as a child process, that answers each message with one fixed
 * reply of the size that it is told, a find's that returned documents. Tells its parent the port, and ends when the parent
 * does.
 */
import net from 'node:net';
import { Double } from 'bson';
import { filler } from './random.ts';
import { answer, buildRequest } from './wire.ts';

const AROUND_TEXT_BYTES = 120;

const found = { _id: 0, pad: filler(Number(process.argv[2]) - AROUND_TEXT_BYTES, 0) };
const template = buildRequest({ cursor: { firstBatch: [found], id: 0n, ns: 'bench.echo' }, ok: new Double(1) });

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
    socket.write(reply);
  });
}

const server = net.createServer(serve);
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') process.send?.({ port: address.port });
});
process.on('disconnect', () => process.exit());
