/** When a primary was elected, as a timestamp that orders elections for clients. */
import { timestampOf, type Timestamp } from '../base/optime.ts';
import type { UnixMs } from '../base/units.ts';
import type { State } from './state.ts';

export function electionTimestamp(state: State, wall: UnixMs): Timestamp {
  return state.options.clusterTime?.() ?? timestampOf(Math.floor(wall / 1000), 1);
}

/**
 * hello's electionId: 7fffffff and the term, so that the id of a later primary is greater.
 * Source: Server Discovery and Monitoring specification, "electionId".
 */
export function electionIdOf(term: number): string {
  return `7fffffff${term.toString(16).padStart(16, '0')}`;
}
