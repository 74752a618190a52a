/**
 * Sockets that read into one buffer instead of through a stream.
 *
 * Node has this for sockets that connect (`onread`), and not for those that a server accepts: their handle is moved to
 * a socket that is made with it. Where there is no such handle, and on Windows, where a read may fill its buffer at any
 * time, the stream's own 'data' events are used.
 */
import { connect, Socket, type NetConnectOpts, type OnReadOpts } from 'node:net';

const READ_BUFFER_BYTES = 64 * 1024;

/** Nothing else runs between a read and its callback, so all sockets share it. */
const READ_BUFFER = new Uint8Array(READ_BUFFER_BYTES);

const CAN_SHARE_BUFFER = process.platform !== 'win32';

/** Called with a chunk that is valid during the call: a plain Uint8Array, whose slices are copies. */
export type TakeChunk = (chunk: Uint8Array) => void;

/** A socket that connects and reads as soon as it has. */
export function connectWithReads(options: NetConnectOpts, take: TakeChunk): Socket {
  if (CAN_SHARE_BUFFER) return connect({ ...options, onread: intoBuffer(take) });
  return throughStream(connect(options), take);
}

/**
 * A socket over the connection of `accepted`, which the server must not read from yet (`pauseOnConnect`); `accepted` is
 * of no use afterwards. It reads once resumed.
 */
export function withReads(accepted: Socket, take: TakeChunk): Socket {
  const shell = accepted as Socket & { _handle?: object | null };
  const handle = shell._handle;
  if (!CAN_SHARE_BUFFER || handle === undefined || handle === null) return throughStream(accepted, take);
  shell._handle = null;
  const options = { handle, readable: true, writable: true, pauseOnCreate: true, onread: intoBuffer(take) };
  return new Socket(options);
}

function intoBuffer(take: TakeChunk): OnReadOpts {
  const callback = (length: number): boolean => {
    take(READ_BUFFER.subarray(0, length));
    return true;
  };
  return { buffer: READ_BUFFER, callback };
}

function throughStream(socket: Socket, take: TakeChunk): Socket {
  return socket.on('data', (chunk: Buffer) => take(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length)));
}
