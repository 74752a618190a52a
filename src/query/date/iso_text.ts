/** Instants as ISO 8601 text. */
import { civilOf, pad } from './calendar.ts';
import { writtenYear } from './format.ts';

/** `2020-05-17T10:20:30.456Z`. Throws 18537 for years beyond 9999 or before 0. */
export function isoText(unixMs: bigint): string {
  const { year, month, day, hour, minute, second, millisecond } = civilOf(unixMs);
  const date = `${writtenYear(year)}-${pad(month, 2)}-${pad(day, 2)}`;
  return `${date}T${pad(hour, 2)}:${pad(minute, 2)}:${pad(second, 2)}.${pad(millisecond, 3)}Z`;
}
