/** A member's folder opened in this process by the real storage code, when the member is not running. */
import { invariant } from '../../src/base/invariant.ts';
import { NO_LOG } from '../../src/base/log.ts';
import { ClusterClock } from '../../src/database/cluster_clock.ts';
import { MemberData } from '../../src/database/member_data.ts';
import { createHostEnv } from '../../src/host/env.ts';
import { openLmdbBaseStore } from '../../src/host/lmdb_base_store.ts';
import { Oplog } from '../../src/oplog/oplog.ts';
import type { BaseStore } from '../../src/storage/base_store.ts';
import { Journal } from '../../src/storage/journal.ts';
import { MemoryBaseStore } from '../../src/storage/memory_base_store.ts';
import { Store } from '../../src/storage/store.ts';

const fail = (error: unknown): never => {
  throw error;
};

export interface RecoveredData {
  /** As the member itself starts with it: the base store at its checkpoint, and the oplog after that. */
  readonly recovered: MemberData;
  /** The whole oplog applied to an empty store. */
  readonly replayed: MemberData;
  close(): Promise<void>;
}

/** Nothing may have been dropped from the oplog since the set was made. */
export async function recoverFolder(folder: string): Promise<RecoveredData> {
  const env = createHostEnv(folder);
  const journal = await Journal.open({ env, log: NO_LOG, directory: 'journal', onFailure: fail });
  invariant(journal.first === 1, 'the oplog reaches back to its beginning');
  const oplog = await Oplog.open({ env, log: NO_LOG, journal });
  const open = async (base: BaseStore): Promise<MemberData> => {
    const store = await Store.open({ base, env, log: NO_LOG, onFailure: fail });
    const data = await MemberData.open({ env, log: NO_LOG, store, oplog, clock: new ClusterClock(env.clock) });
    await data.recover();
    return data;
  };
  const recovered = await open(await openLmdbBaseStore({ directory: `${folder}/base` }));
  const replayed = await open(new MemoryBaseStore());
  return {
    recovered,
    replayed,
    close: async () => {
      await recovered.store.close();
      await replayed.store.close();
      await oplog.close();
    },
  };
}
