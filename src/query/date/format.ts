/** Dates to texts by a format: `%Y-%m-%d`. */
import { CommandError } from '../../base/command_error.ts';
import {
  civilOf,
  dayOfYear,
  isoWeekday,
  isoWeekOf,
  pad,
  splitDay,
  weekday,
  weekOfYear,
  type Civil,
} from './calendar.ts';
import type { TimeZone } from './time_zone.ts';

export const MONTH_NAMES: readonly string[] =
  'January February March April May June July August September October November December'.split(' ');

interface Moment {
  readonly civil: Civil;
  /** Since 1970-01-01, local. */
  readonly day: number;
  readonly offsetMs: number;
}

type Specifier = (moment: Moment) => string;

const SPECIFIERS: ReadonlyMap<string, Specifier> = new Map<string, Specifier>([
  ['%', () => '%'],
  ['Y', ({ civil }) => writtenYear(civil.year)],
  ['m', ({ civil }) => pad(civil.month, 2)],
  ['d', ({ civil }) => pad(civil.day, 2)],
  ['H', ({ civil }) => pad(civil.hour, 2)],
  ['M', ({ civil }) => pad(civil.minute, 2)],
  ['S', ({ civil }) => pad(civil.second, 2)],
  ['L', ({ civil }) => pad(civil.millisecond, 3)],
  ['b', ({ civil }) => MONTH_NAMES[civil.month - 1].slice(0, 3)],
  ['B', ({ civil }) => MONTH_NAMES[civil.month - 1]],
  ['j', ({ day }) => pad(dayOfYear(day), 3)],
  ['w', ({ day }) => String(weekday(day) + 1)],
  ['u', ({ day }) => String(isoWeekday(day))],
  ['U', ({ day }) => pad(weekOfYear(day), 2)],
  ['V', ({ day }) => pad(isoWeekOf(day).week, 2)],
  ['G', ({ day }) => writtenYear(isoWeekOf(day).year)],
  ['z', ({ offsetMs }) => offsetText(offsetMs)],
  ['Z', ({ offsetMs }) => String(Math.trunc(offsetMs / 60_000))],
]);

/** Only four digits are written; throws 18537 for other years. */
export function writtenYear(value: number): string {
  if (value >= 0 && value <= 9999) return pad(value, 4);
  throw new CommandError(
    18537,
    `Could not convert date to string: date component was outside the supported range of 0-9999: ${value}`,
  );
}

function offsetText(offsetMs: number): string {
  const minutes = Math.abs(Math.trunc(offsetMs / 60_000));
  return `${offsetMs < 0 ? '-' : '+'}${pad(Math.floor(minutes / 60), 2)}${pad(minutes % 60, 2)}`;
}

/** Throws 18535 and 18536 for a format that is not one, before any date is looked at. */
export function checkFormat(
  format: string,
  known: (letter: string) => boolean = (letter) => SPECIFIERS.has(letter),
): void {
  for (let i = format.indexOf('%'); i >= 0; i = format.indexOf('%', i + 2)) {
    const letter = format[i + 1];
    if (letter === undefined) throw new CommandError(18535, "Unmatched '%' at end of format string");
    if (!known(letter)) throw new CommandError(18536, `Invalid format character '%${letter}' in format string`);
  }
}

/** The format was checked. */
export function formatInstant(format: string, unixMs: bigint, zone: TimeZone): string {
  const offsetMs = zone.offsetAt(unixMs);
  const localMs = unixMs + BigInt(offsetMs);
  const moment: Moment = { civil: civilOf(localMs), day: splitDay(localMs).day, offsetMs };
  return format.replaceAll(/%(.)/gs, (_, letter: string) => SPECIFIERS.get(letter)?.(moment) ?? '');
}
