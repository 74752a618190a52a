/** `collectionUUID`: a client that knows a collection by its uuid says so, and is refused when its name is another's. */
import { CommandError } from '../../base/command_error.ts';
import type { RawValue } from '../../bson/value.ts';
import { hexOf } from '../../database/uuid.ts';
import type { MemberData } from '../../database/member_data.ts';

/** Where the 16 bytes begin in the value: behind its length and its subtype. */
const UUID_AT = 5;

/** Throws CollectionUUIDMismatch (361), with the name in the same database that the uuid has, when `ns` is not its. */
export function checkCollectionUuid(ns: string, uuid: RawValue | undefined, { catalog }: MemberData): void {
  if (uuid === undefined) return;
  const actual = catalog.findUuid(hexOf(uuid.bytes, uuid.start + UUID_AT, uuid.end));
  if (actual?.ns === ns) return;
  const db = ns.slice(0, ns.indexOf('.'));
  throw new CommandError('CollectionUUIDMismatch', 'Collection UUID does not match that specified', {
    db,
    collectionUUID: uuid,
    expectedCollection: ns.slice(db.length + 1),
    actualCollection: actual?.db === db ? actual.name : null,
  });
}
