/**
 * A full disk: writes fail with an error, reads go on, nothing that was acknowledged is lost, and writing goes on when
 * there is room again. On a small file system in memory, which takes the rights to mount one.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runAdminCommand } from '../src/set/admin_client.ts';
import { MemberProcess, type MemberLogLine } from '../src/set/member_process.ts';
import { ReplicaSet } from '../src/set/replica_set.ts';
import { eventually } from './conditions.ts';
import { bundleProgram } from './support/bundled_program.ts';
import { RawClient, type Reply } from './support/raw_client.ts';
import { startPrimary } from './support/single_member.ts';
import { smallDisk, whyNoSmallDisk, type SmallDisk } from './support/small_disk.ts';
import { temporaryFolder, type TemporaryFolder } from './temporary_folder.ts';

const DISK_MB = 128;
const PARAMETERS = { journalSegmentSizeMB: '4' };
const TEST_LIMIT_MS = 180_000;
const LIMIT_MS = 60_000;

const OUT_OF_DISK_SPACE = { ok: 0, code: 14_031, codeName: 'OutOfDiskSpace' };
const DONE = { ok: 1, n: 1 };

/** Log ids: the journal is out of room; checkpoints are put off, and go on. */
const JOURNAL_FULL_ID = 8_000_101;
const CHECKPOINTS_STOP_ID = 8_000_130;
const CHECKPOINTS_GO_ON_ID = 8_000_131;

const whySkipped = whyNoSmallDisk();
const title = `on a full disk${whySkipped === undefined ? '' : ` (skipped: ${whySkipped})`}`;

let folder: TemporaryFolder;
let program: string[];
let disk: SmallDisk;

describe.skipIf(whySkipped !== undefined)(title, () => {
  beforeEach(async () => {
    folder = temporaryFolder();
    program = await bundleProgram(folder.path);
  });

  afterEach(() => {
    disk.remove();
    folder.remove();
  });

  test(
    'a member refuses writes, answers reads, restarts, and goes on when there is room, without losing anything',
    async () => {
      disk = smallDisk(DISK_MB);
      const dbpath = join(disk.path, 'data');
      const member = new MemberProcess({
        setName: 'rs0',
        dbpath,
        host: '127.0.0.1',
        port: 0,
        parameters: PARAMETERS,
        program,
      });
      const said = new Set<number>();
      member.onLine(({ id }: MemberLogLine) => said.add(id));
      try {
        await startPrimary(member);
        let client = await RawClient.connect(member.address);
        for (let _id = 0; _id < 500; _id += 1) expect(await insert(client, _id)).toMatchObject(DONE);
        disk.fill();
        const first = await insertUntilRefused(client, 500);
        expect(first.error).toMatchObject(OUT_OF_DISK_SPACE);
        expect(said).toContain(JOURNAL_FULL_ID);
        expect(await update(client, 3)).toMatchObject(OUT_OF_DISK_SPACE);
        expect(await count(client)).toBe(first.refused);
        expect(await find(client, first.refused - 1)).toMatchObject({ _id: first.refused - 1 });
        // Checkpoints meet the full disk, too; what they would have moved is still there.
        await eventually(async () => said.has(CHECKPOINTS_STOP_ID) || undefined);
        expect(await count(client)).toBe(first.refused);
        disk.makeRoom();
        expect(await insertUntilTaken(client, first.refused)).toMatchObject(DONE);
        await eventually(async () => said.has(CHECKPOINTS_GO_ON_ID) || undefined);

        disk.fill();
        const { refused } = await insertUntilRefused(client, first.refused + 1);
        client.close();
        await member.kill();
        await member.start();
        // It votes for itself; that has to be written as well.
        await eventually(async () => (await stateOf(member)) === 1 || undefined);
        client = await RawClient.connect(member.address);
        expect(await count(client)).toBe(refused);
        expect(await find(client, 3)).toMatchObject({ _id: 3, text: TEXT });
        disk.makeRoom();
        expect(await insertUntilTaken(client, refused)).toMatchObject(DONE);
        for (let _id = refused + 1; _id < refused + 500; _id += 1) {
          expect(await insert(client, _id)).toMatchObject(DONE);
        }
        client.close();

        await member.kill();
        await startPrimary(member);
        client = await RawClient.connect(member.address);
        expect(await count(client)).toBe(refused + 500);
        client.close();
      } finally {
        await member.kill();
      }
    },
    TEST_LIMIT_MS,
  );

  test(
    'of a secondary the set goes on, and the secondary catches up when there is room',
    async () => {
      await withSet({ full: 2, priority: 0 }, async (set) => {
        const [other, , full] = set.members as [MemberProcess, MemberProcess, MemberProcess];
        const client = await RawClient.connect((await set.primary()).address);
        for (let _id = 0; _id < 100; _id += 1) expect(await insert(client, _id, 'majority')).toMatchObject(DONE);
        disk.fill();
        const isFull = full.waitForLine(({ id }) => id === JOURNAL_FULL_ID);
        for (let _id = 100; _id < 1500; _id += 1) expect(await insert(client, _id, 'majority')).toMatchObject(DONE);
        await isFull;
        // It is behind, and answers.
        const direct = await RawClient.connect(full.address);
        expect(await count(direct)).toBeLessThan(1500);
        direct.close();
        disk.makeRoom();
        await expectEqualData(full, other);
        client.close();
      });
    },
    TEST_LIMIT_MS,
  );

  test(
    'of a primary its writes fail, and go on when there is room',
    async () => {
      await withSet({ full: 0, priority: 10 }, async (set) => {
        const [full, other] = set.members as [MemberProcess, MemberProcess];
        await eventually(async () => (await stateOf(full)) === 1 || undefined, LIMIT_MS);
        const client = await RawClient.connect(full.address);
        expect(await insertUntilTaken(client, 0, 'majority')).toMatchObject(DONE);
        disk.fill();
        const { refused, error } = await insertUntilRefused(client, 1);
        expect(error).toMatchObject(OUT_OF_DISK_SPACE);
        expect(await count(client)).toBe(refused);
        disk.makeRoom();
        expect(await insertUntilTaken(client, refused, 'majority')).toMatchObject(DONE);
        await expectEqualData(full, other);
        client.close();
      });
    },
    TEST_LIMIT_MS,
  );
});

/** A set of three, one of which lives on the small disk and has that priority. */
async function withSet(
  { full, priority }: { readonly full: number; readonly priority: number },
  use: (set: ReplicaSet) => Promise<void>,
): Promise<void> {
  const dbpath = join(folder.path, 'set');
  const place = join(dbpath, `member${full}`);
  mkdirSync(place, { recursive: true });
  disk = smallDisk(DISK_MB, place);
  const set = await ReplicaSet.start({
    members: 3,
    dbpath,
    parameters: PARAMETERS,
    program,
    memberSettings: [0, 1, 2].map((index) => (index === full ? { priority } : {})),
  });
  try {
    await use(set);
  } finally {
    await Promise.all(set.members.map((member) => member.kill()));
  }
}

/** Inserts documents from `from` on until one is refused; returns the _id of that one, and the reply. */
async function insertUntilRefused(client: RawClient, from: number): Promise<{ refused: number; error: Reply }> {
  for (let _id = from; ; _id += 1) {
    const reply = await insert(client, _id);
    if (reply['ok'] !== 1) return { refused: _id, error: reply };
    expect(reply).toMatchObject(DONE);
  }
}

/** The first good reply to inserting that document, which was refused. */
async function insertUntilTaken(client: RawClient, _id: number, w: number | string = 1): Promise<Reply> {
  return await eventually(async () => {
    const reply = await insert(client, _id, w);
    return reply['ok'] === 1 ? reply : undefined;
  });
}

const TEXT = 'x'.repeat(8000);

function insert(client: RawClient, _id: number, w: number | string = 1): Promise<Reply> {
  return client.command({ insert: 'c', documents: [{ _id, text: TEXT }], writeConcern: { w, j: true }, $db: 'test' });
}

function update(client: RawClient, _id: number): Promise<Reply> {
  const updates = [{ q: { _id }, u: { $set: { text: `${TEXT}${TEXT}` } } }];
  return client.command({ update: 'c', updates, writeConcern: { w: 1, j: true }, $db: 'test' });
}

const ANYWHERE = { $readPreference: { mode: 'primaryPreferred' }, $db: 'test' };

/** Looks at every document. */
async function count(client: RawClient): Promise<unknown> {
  return (await client.command({ count: 'c', query: { text: TEXT }, ...ANYWHERE }))['n'];
}

async function find(client: RawClient, _id: number): Promise<unknown> {
  const { cursor } = await client.command({ find: 'c', filter: { _id }, ...ANYWHERE });
  return (cursor as { firstBatch: unknown[] }).firstBatch[0];
}

async function stateOf(member: MemberProcess): Promise<unknown> {
  return (await runAdminCommand(member.address, { replSetGetStatus: 1 }))['myState'];
}

async function expectEqualData(one: MemberProcess, other: MemberProcess): Promise<void> {
  const hashOf = async (member: MemberProcess): Promise<unknown> => {
    const client = await RawClient.connect(member.address);
    const { md5 } = await client.command({ dbHash: 1, ...ANYWHERE });
    client.close();
    return md5;
  };
  const [here, there] = await eventually(async () => {
    const hashes = await Promise.all([hashOf(one), hashOf(other)]);
    return hashes[0] === hashes[1] ? hashes : undefined;
  }, LIMIT_MS);
  expect(here).toBe(there);
}
