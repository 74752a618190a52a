/**
 * One member of a replica set: the order in which its parts start and end, and what becomes of a failure.
 *
 * Start: local state → journal and oplog → store → data at its checkpoint → the oplog after it applied → serving →
 * replication. The member answers from the moment it listens; it takes part once replication has started.
 *
 * A clean end: hand over if primary → serve no more → checkpoint → close. A failure of the disk, a broken invariant or an
 * entry that cannot be applied ends the process at once instead: nothing is known then, and going on could lie.
 */
import { DataError } from '../base/data_error.ts';
import type { Env } from '../base/env.ts';
import type { Log, LogLine } from '../base/log.ts';
import type { Machine } from '../base/machine.ts';
import type { Services } from '../commands/exchange.ts';
import { OperationRegistry } from '../commands/operation.ts';
import { Parameters } from '../commands/server/parameters.ts';
import type { ReplicationService, ShutdownOptions } from '../commands/replication/replication_service.ts';
import { ServerState, type LogRing, type StartOptions } from '../commands/server/server_state.ts';
import { ClusterClock } from '../database/cluster_clock.ts';
import type { BuildLimits } from '../database/run/index_build.ts';
import { MemberData } from '../database/member_data.ts';
import { Oplog } from '../oplog/oplog.ts';
import type { BaseStore } from '../storage/base_store.ts';
import { Journal } from '../storage/journal.ts';
import { Store } from '../storage/store.ts';
import { localDocumentsOf, LOCAL_COLLECTIONS } from './local_collections.ts';
import { LocalState } from './local_state.ts';
import { MemberReplication } from './member_replication.ts';
import { SelfResolver } from './self_resolver.ts';
import { ClientServer } from './serve.ts';

export interface MemberSettings {
  readonly setName: string;
  readonly bindAddresses: readonly string[];
  /** 0: any free port. */
  readonly port: number;
  readonly oplogSizeBytesMax: number | undefined;
  /** Absent: what the parameter journalSegmentSizeMB says. */
  readonly journalSegmentSizeBytes?: number;
  /** Absent: the usual ones. */
  readonly indexBuildLimits?: BuildLimits;
  /** Server parameters as given at the start. */
  readonly parameters: ReadonlyMap<string, string>;
}

export interface MemberOptions {
  readonly env: Env;
  readonly log: Log;
  readonly settings: MemberSettings;
  readonly openBase: () => Promise<BaseStore>;
  /** Ends the process; does not return to the caller's turn. */
  readonly onFatal: (error: unknown) => void;
  readonly machine?: Machine;
  readonly start?: StartOptions;
  readonly logRing?: LogRing;
}

const JOURNAL_FOLDER = 'journal';

/** What is below the services: opened first, closed last. */
interface Storage {
  readonly localState: LocalState;
  readonly oplog: Oplog;
  readonly store: Store;
  readonly data: MemberData;
}

export class Member {
  /** Resolves when the member has ended cleanly. */
  readonly ended: Promise<void>;
  readonly #options: MemberOptions;
  readonly #parameters: Parameters;
  readonly #storage: Storage;
  readonly #replication: MemberReplication;
  #server: ClientServer | undefined;
  #resolveEnded = () => {};
  #stopping: Promise<void> | undefined;

  /**
   * Resolves when the member listens. Rejects with CommandError BadValue for a wrong parameter, NetworkError, IoError,
   * DataError or what the parts say; nothing is left open that would keep the process.
   */
  static async start(options: MemberOptions): Promise<Member> {
    const parameters = new Parameters();
    for (const [name, text] of options.settings.parameters) parameters.setAtStartup(name, text);
    const storage = await openStorage(options, parameters);
    const member = new Member(options, parameters, storage);
    try {
      await member.#serve();
    } catch (error) {
      await closeStorage(storage);
      throw error;
    }
    return member;
  }

  private constructor(options: MemberOptions, parameters: Parameters, storage: Storage) {
    this.#options = options;
    this.#parameters = parameters;
    this.#storage = storage;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    const { env, log, settings, onFatal } = options;
    const processId = env.random.bytes(12);
    const id = hexOf(processId);
    this.#processId = processId;
    this.#replication = new MemberReplication({
      env,
      log,
      setName: settings.setName,
      processId: id,
      data: storage.data,
      localState: storage.localState,
      operations: this.#operations,
      parameters,
      self: new SelfResolver({ env, bindAddresses: settings.bindAddresses, port: () => this.port, id }),
      hangUp: () => this.#server?.closeOnStateChange(),
      shutDown: (shutdown) => this.#shutDown(shutdown),
      onFatal,
    });
  }

  readonly #operations = new OperationRegistry();
  readonly #processId: Uint8Array;

  /** For tests, tools and checkers in the same process: what this member holds, to be read only. */
  get data(): MemberData {
    return this.#storage.data;
  }

  /** The same for what it knows of the set. */
  get replication(): ReplicationService {
    return this.#replication;
  }

  /** The port it listens on. */
  get port(): number {
    return this.#server?.port ?? this.#options.settings.port;
  }

  /** Ends the member cleanly because of `reason`, as a signal. Once is enough; see {@link ended}. */
  requestStop(reason: string): void {
    this.#note({ component: 'CONTROL', id: 23_377, message: 'Received signal', attributes: { signal: reason } });
    this.#stop().catch(this.#options.onFatal);
  }

  async #serve(): Promise<void> {
    const { env, log, settings, onFatal, machine, start, logRing } = this.#options;
    const parameters = this.#parameters;
    const services: Services = {
      env,
      log,
      data: this.#storage.data,
      replication: this.#replication,
      server: new ServerState({
        startedAt: env.clock.monotonic(),
        startedWall: env.clock.wall(),
        processId: this.#processId,
        parameters,
        ...(machine !== undefined && { machine }),
        ...(start !== undefined && { start }),
        ...(logRing !== undefined && { logRing }),
      }),
      operations: this.#operations,
    };
    const server = await ClientServer.listen({ services, bindAddresses: settings.bindAddresses, port: settings.port });
    this.#server = server;
    this.#note(
      {
        component: 'NETWORK',
        id: 23_016,
        message: 'Waiting for connections',
        attributes: { port: server.port, ssl: 'off' },
      },
      'listener',
    );
    this.#storage.store.start();
    this.#replication.start().catch(onFatal);
  }

  /** The `shutdown` command: resolves when its connection may be closed. */
  async #shutDown(options: ShutdownOptions): Promise<void> {
    await this.#replication.handOver(options);
    this.#stop().catch(this.#options.onFatal);
    await this.#replication.stop();
  }

  #stop(): Promise<void> {
    this.#stopping ??= this.#stopNow();
    return this.#stopping;
  }

  async #stopNow(): Promise<void> {
    await this.#replication.stop();
    this.#server?.close();
    await closeStorage(this.#storage);
    this.#note({ component: 'CONTROL', id: 23_138, message: 'Shutting down', attributes: { exitCode: 0 } });
    this.#resolveEnded();
  }

  #note(line: Pick<LogLine, 'component' | 'id' | 'message' | 'attributes'>, context = 'main'): void {
    this.#options.log.write({ severity: 'I', context, ...line });
  }
}

async function openStorage(options: MemberOptions, parameters: Parameters): Promise<Storage> {
  const { env, log, settings, openBase, onFatal } = options;
  const localState = LocalState.open(env, onFatal, log);
  checkSetName(localState, settings.setName);
  const opening = openBase();
  // What goes wrong with the journal is told first; this one is awaited later.
  opening.catch(() => {});
  const { oplogSizeBytesMax, journalSegmentSizeBytes } = settings;
  const journal = await Journal.open({
    env,
    log,
    directory: JOURNAL_FOLDER,
    onFailure: onFatal,
    segmentSizeBytes: journalSegmentSizeBytes ?? parameters.get('journalSegmentSizeMB') * 1024 * 1024,
  });
  const oplog = await Oplog.open({
    env,
    log,
    journal,
    ...(oplogSizeBytesMax !== undefined && { sizeBytesMax: oplogSizeBytesMax }),
  });
  const store = await Store.open({ base: await opening, env, log, onFailure: onFatal });
  store.onCheckpoint(({ ts }) => oplog.checkpointPassed(ts));
  oplog.checkpointPassed(store.checkpointed.ts);
  const clock = new ClusterClock(env.clock);
  const data = await MemberData.open({ env, log, store, oplog, clock, buildLimits: settings.indexBuildLimits });
  data.localDocuments = (ns) => localDocumentsOf(localState.values, ns);
  data.localCollections = () => LOCAL_COLLECTIONS;
  // A copy that was not finished is thrown away, not repaired.
  if (!localState.values.initialSyncRunning) await data.recover();
  return { localState, oplog, store, data };
}

function checkSetName(localState: LocalState, setName: string): void {
  const { setName: stored } = localState.values;
  if (stored === undefined || stored === setName) return;
  throw new DataError('otherSet', `the data belongs to the replica set '${stored}', not to '${setName}'`);
}

async function closeStorage({ store, oplog }: Storage): Promise<void> {
  await store.close();
  await oplog.close();
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
