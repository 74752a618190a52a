/** Optimes in the words of MongoDB's messages. */
import { incrementOf, secondsOf, type OpTime } from '../base/optime.ts';

export function formatOpTimeText(optime: OpTime): string {
  return `{ ts: Timestamp(${secondsOf(optime.ts)}, ${incrementOf(optime.ts)}), t: ${optime.t} }`;
}
