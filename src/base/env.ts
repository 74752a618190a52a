/**
 * The machine as the rest of the program sees it. Everything below `host/` and `sim/` gets time, chance, files and
 * network only through an `Env`; `host/` implements it over Node, `sim/` over virtual time from a seed.
 */
import type { Ms, UnixMs } from './units.ts';

export interface Env {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly files: Files;
  readonly network: Network;
  /** Resolves after the events that are already waiting were handled. Long work awaits it every few milliseconds. */
  breathe(): Promise<void>;
  /**
   * Calls back when the event that is being handled, and maybe others that came with it, are done: before anything leaves
   * that was sent meanwhile.
   */
  endOfTurn(callback: () => void): void;
}

export interface Clock {
  /** Wall clock; may jump in both directions. */
  wall(): UnixMs;
  /** Never goes back; its zero is arbitrary. */
  monotonic(): Ms;
}

export interface Timers {
  /** Calls `callback` once, `delay` or more milliseconds from now. Returns what cancels it; cancelling twice is fine. */
  after(delay: Ms, callback: () => void): CancelTimer;
}

export type CancelTimer = () => void;

export interface Random {
  /** Uniform in [0, 2^32). */
  uint32(): number;
  bytes(length: number): Uint8Array;
}

/**
 * Files below one root folder; paths are relative to it, with '/'. What was written but not synced may be lost or torn
 * by a crash of the machine, never by the death of the process.
 */
export interface Files {
  /** Creates the folder and its parents; an existing one is fine. */
  makeDirectory(path: string): void;
  /** The names in a folder, sorted; [] when it does not exist. */
  list(path: string): string[];
  exists(path: string): boolean;
  remove(path: string): void;
  /** Replaces `to` atomically. Durable only after `syncDirectory` of its folder. */
  rename(from: string, to: string): void;
  /** Opens for reading and writing; creates an empty file when absent. */
  open(path: string): FileHandle;
  /** Makes creations, renames and removals in the folder durable. */
  syncDirectory(path: string): Promise<void>;
}

/** All calls throw or reject with {@link IoError}. After `sync` rejected, nothing is known: the member must stop. */
export interface FileHandle {
  size(): number;
  /** Reads up to `into.length` bytes at `position`; returns how many, fewer only at the end of the file. */
  read(into: Uint8Array, position: number): number;
  /** Hands the bytes to the operating system before it returns; the caller may reuse them afterwards. */
  write(bytes: Uint8Array, position: number): void;
  /** As `write`, for large runs, without stopping the loop. The bytes must not change until it resolves. */
  writeLater(bytes: Uint8Array, position: number): Promise<void>;
  /** Reserves room so that later writes below `sizeBytes` need no new blocks. Throws 'noSpace' when there is none. */
  allocate(sizeBytes: number): void;
  truncate(sizeBytes: number): void;
  /** Resolves when all that was written before the call survives a crash of the machine (fdatasync). */
  sync(): Promise<void>;
  close(): void;
}

export type IoErrorKind = 'noSpace' | 'notFound' | 'permission' | 'io';

export class IoError extends Error {
  readonly kind: IoErrorKind;

  constructor(kind: IoErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }

  override get name(): string {
    return 'IoError';
  }
}

/** Byte streams between addresses of the form 'host:port'. */
export interface Network {
  /** Port 0 takes any free port; see `Listener.port`. Rejects with NetworkError 'addressInUse'. */
  listen(host: string, port: number, onConnection: (connection: Connection) => void): Promise<Listener>;
  /** Rejects with NetworkError: 'refused' at once when nobody listens there, 'timeout' after `timeout`. */
  connect(address: string, timeout: Ms): Promise<Connection>;
}

export interface Listener {
  readonly port: number;
  /** Stops accepting; open connections stay. */
  close(): void;
}

export interface ConnectionHandler {
  /** A chunk of the stream, at any boundary. Its bytes are valid only during the call. */
  data(chunk: Uint8Array): void;
  /** Called once, also after our own `close`. */
  closed(): void;
}

export interface Connection {
  /** 'host:port' of the peer and of our side. */
  readonly remoteAddress: string;
  readonly localAddress: string;
  /** Starts delivery; called exactly once, in the turn in which the connection was received. */
  start(handler: ConnectionHandler): void;
  /**
   * Queues bytes, which leave at the end of the turn. Ignored after close. They must not change until `sent` is called,
   * which may never happen; without it they must not change at all.
   */
  send(bytes: Uint8Array, sent?: () => void): void;
  /** Bytes queued and not yet taken by the operating system. */
  readonly queuedBytes: number;
  /** Resolves when the queue is short again (or the connection is closed). */
  drained(): Promise<void>;
  /** Stops and resumes delivery of data. */
  pause(): void;
  resume(): void;
  close(): void;
}

export type NetworkErrorKind = 'refused' | 'timeout' | 'unreachable' | 'closed' | 'addressInUse';

export class NetworkError extends Error {
  readonly kind: NetworkErrorKind;

  constructor(kind: NetworkErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }

  override get name(): string {
    return 'NetworkError';
  }
}
