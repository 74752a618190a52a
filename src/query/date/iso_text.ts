/** Instants as ISO 8601 text. */
import { civilOf, pad } from './calendar.ts';

/** `2020-05-17T10:20:30.456Z`. Years beyond 9999 or before 0 keep all their digits. */
export function isoText(unixMs: bigint): string {
  const { year, month, day, hour, minute, second, millisecond } = civilOf(unixMs);
  const date = `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
  return `${date}T${pad(hour, 2)}:${pad(minute, 2)}:${pad(second, 2)}.${pad(millisecond, 3)}Z`;
}
