/** The collections of `local` that show what the member remembers of itself, for reading. */
import { Binary } from 'bson';
import { encodeDocument } from '../bson/codec.ts';
import type { LocalStateValues } from './local_state.ts';

/** Full names, sorted. */
export const LOCAL_COLLECTIONS: readonly string[] = [
  'local.replset.election',
  'local.replset.initialSyncId',
  'local.system.replset',
  'local.system.rollback.id',
];

/** The documents of one of {@link LOCAL_COLLECTIONS}; undefined for every other name. */
export function localDocumentsOf(values: LocalStateValues, ns: string): readonly Uint8Array[] | undefined {
  switch (ns) {
    case 'local.system.replset':
      return values.config === undefined ? [] : [encodeDocument(values.config)];
    case 'local.replset.election':
      return values.lastVote === undefined ? [] : [voteDocument(values.lastVote)];
    case 'local.system.rollback.id':
      return [encodeDocument({ _id: 'rollbackId', rollbackId: values.rollbackId })];
    case 'local.replset.initialSyncId':
      return values.initialSyncId === undefined ? [] : [encodeDocument({ _id: new Binary(values.initialSyncId, 4) })];
    default:
      return undefined;
  }
}

function voteDocument({ term, candidateIndex }: NonNullable<LocalStateValues['lastVote']>): Uint8Array {
  return encodeDocument({ _id: 'lastVote', term: BigInt(term), candidateIndex: BigInt(candidateIndex) });
}
