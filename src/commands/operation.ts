/** The requests that are under way and not answered yet, and how they are made to stop. */
import { CommandError } from '../base/command_error.ts';
import type { Clock } from '../base/env.ts';
import { ms, type Ms } from '../base/units.ts';
import type {
  ClientState,
  Command,
  CommandRequest,
  Operations,
  RunningOperation,
  OperationProgress,
} from './context.ts';

const NO_COMMAND: Command = { name: '', secondary: 'always', help: '', run: () => {} };

/** One request under way; the context of its command is one too. */
export abstract class Operation implements RunningOperation {
  readonly id: number;
  readonly connection: ClientState;
  abstract readonly request: CommandRequest;
  command: Command = NO_COMMAND;
  /** Of the monotonic clock. */
  startedAt: Ms;
  deadline: Ms = ms(Infinity);
  progress: OperationProgress | undefined = undefined;
  readonly #clock: Clock;
  #reason: CommandError | undefined = undefined;
  #waiters: Set<(error: CommandError) => void> | undefined = undefined;

  constructor(id: number, clock: Clock, connection: ClientState) {
    this.id = id;
    this.connection = connection;
    this.#clock = clock;
    this.startedAt = clock.monotonic();
  }

  get isInterrupted(): boolean {
    return this.#reason !== undefined;
  }

  interrupt(reason: CommandError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    const waiters = this.#waiters;
    this.#waiters = undefined;
    for (const waiter of waiters ?? []) waiter(reason);
  }

  checkInterrupt(): void {
    if (this.#reason !== undefined) throw this.#reason;
    if (this.deadline !== Infinity && this.#clock.monotonic() >= this.deadline) {
      throw new CommandError('MaxTimeMSExpired', 'operation exceeded time limit');
    }
  }

  onInterrupt(callback: (error: CommandError) => void): () => void {
    if (this.#reason !== undefined) {
      callback(this.#reason);
      return () => {};
    }
    this.#waiters ??= new Set();
    this.#waiters.add(callback);
    return () => this.#waiters?.delete(callback);
  }

  /** Settles as `wait` does, or rejects as soon as the operation is interrupted. */
  orInterrupted<T>(wait: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const unsubscribe = this.onInterrupt(reject);
      wait.then(
        (value) => {
          unsubscribe();
          resolve(value);
        },
        (error: unknown) => {
          unsubscribe();
          reject(error);
        },
      );
    });
  }
}

/** Keeps them by id. */
export class OperationRegistry implements Operations {
  readonly #open = new Map<number, Operation>();
  #lastId = 0;

  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  get count(): number {
    return this.#open.size;
  }

  add(operation: Operation): void {
    this.#open.set(operation.id, operation);
  }

  remove(operation: Operation): void {
    this.#open.delete(operation.id);
  }

  get(id: number): Operation | undefined {
    return this.#open.get(id);
  }

  all(): Iterable<Operation> {
    return this.#open.values();
  }

  interruptAll(reason: CommandError, chosen: (operation: Operation) => boolean = () => true): number {
    let count = 0;
    for (const operation of this.#open.values()) {
      if (operation.isInterrupted || !chosen(operation)) continue;
      operation.interrupt(reason);
      count += 1;
    }
    return count;
  }
}
