/** Deleting what the TTL indexes of a member say is over: as any other delete, logged document by document. */
import { unixMs, type UnixMs } from '../../base/units.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { rawDate, rawInt64, rawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { compileFilter } from '../../query/matcher.ts';
import type { Collection } from '../catalog/collection.ts';
import { DeleteRun } from './delete_run.ts';
import type { Index } from '../index/index.ts';
import type { MemberData } from '../member_data.ts';
import { TIMESTAMP_NULL } from '../../base/optime.ts';
import { Turn } from '../turn.ts';

/** The earliest date there is. */
const FIRST_DATE = rawValue(BSON_TYPE.date, rawInt64(-(2n ** 63n)).bytes);

/**
 * One pass over all TTL indexes. Gives the loop back in between, and ends early when the member takes no writes any more.
 * Returns how many documents went.
 */
export async function deleteExpired(data: MemberData): Promise<number> {
  let deleted = 0;
  for (const collection of [...data.catalog.collections()]) {
    if (!collection.isReplicated) continue;
    for (const index of collection.indexes) {
      if (index.spec.expireAfterSeconds !== undefined) deleted += await deleteBy(data, collection, index);
    }
  }
  return deleted;
}

async function deleteBy(data: MemberData, collection: Collection, index: Index): Promise<number> {
  const run = expiryRun(data, collection, index);
  if (run === undefined) return 0;
  const { turn, statement } = run;
  while (data.acceptsWrites && collection.gone === undefined && index.gone === undefined) {
    if (statement.advance() === 'done') break;
    await (data.store.backpressure() ?? data.env.breathe());
    turn.restart();
  }
  return statement.deleted;
}

/** Dates up to so many seconds ago, in the index's own field. Values that are no dates never expire. */
function expiryRun(
  data: MemberData,
  collection: Collection,
  index: Index,
): { readonly turn: Turn; readonly statement: DeleteRun } | undefined {
  const { fields, expireAfterSeconds } = index.spec;
  const isReady = index.readyAt === TIMESTAMP_NULL || index.readyAt <= data.readTimestamp;
  if (expireAfterSeconds === undefined || fields.length !== 1 || !isReady) return undefined;
  const before: UnixMs = unixMs(data.env.clock.wall() - expireAfterSeconds * 1000);
  const writer = new BsonWriter().startDocument().startSubdocument(fields[0].path);
  writer.value('$gte', FIRST_DATE).value('$lte', rawDate(before)).end();
  const filter = compileFilter(writer.endDocument().finish());
  const turn = new Turn(data.env.clock);
  const hint = { kind: 'index', index } as const;
  const spec = { filter, isMulti: true, hint, sort: undefined, statement: undefined, image: undefined };
  return { turn, statement: new DeleteRun(data, collection.ns, spec, turn) };
}
