/** The proleptic Gregorian calendar without time zones, over all of int64's milliseconds; and ISO weeks. */

export const DAY_MS = 86_400_000;
const DAY_MS_BIG = BigInt(DAY_MS);

export interface Civil {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly millisecond: number;
}

/** `day` days since 1970-01-01 and `ms` within the day, both whole; `ms` is not negative. */
export interface DayAndMs {
  readonly day: number;
  readonly ms: number;
}

export function splitDay(unixMs: bigint): DayAndMs {
  let day = unixMs / DAY_MS_BIG;
  let ms = unixMs % DAY_MS_BIG;
  if (ms < 0n) {
    ms += DAY_MS_BIG;
    day--;
  }
  return { day: Number(day), ms: Number(ms) };
}

export function joinDay(day: number, ms: number): bigint {
  return BigInt(day) * DAY_MS_BIG + BigInt(ms);
}

/** Days since 1970-01-01 of a date. Months beyond 1 to 12 and any day of the month are carried over. */
export function dayNumber(year: number, month: number, day: number): number {
  const months = month - 1;
  const carried = Math.floor(months / 12);
  const monthOfYear = months - carried * 12;
  // Years begin in March here, so that the leap day is the last one.
  const shifted = year + carried - (monthOfYear < 2 ? 1 : 0);
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * ((monthOfYear + 10) % 12) + 2) / 5);
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468 + day - 1;
}

export interface CivilDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

export function dateOfDay(dayNumberOf: number): CivilDate {
  const shifted = dayNumberOf + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return { year, month, day: dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1 };
}

/** Of a local time given as if it were UTC. */
export function civilOf(localMs: bigint): Civil {
  const { day, ms } = splitDay(localMs);
  const seconds = Math.floor(ms / 1000);
  return {
    ...dateOfDay(day),
    hour: Math.floor(seconds / 3600),
    minute: Math.floor(seconds / 60) % 60,
    second: seconds % 60,
    millisecond: ms % 1000,
  };
}

/** 0 for Sunday. */
export function weekday(day: number): number {
  return (((day + 4) % 7) + 7) % 7;
}

/** 1 for Monday. */
export function isoWeekday(day: number): number {
  return weekday(day) === 0 ? 7 : weekday(day);
}

/** 1 for the first of January. */
export function dayOfYear(day: number): number {
  return day - dayNumber(dateOfDay(day).year, 1, 1) + 1;
}

/** Weeks begin on Sundays; what is before the first one is week 0. */
export function weekOfYear(day: number): number {
  return Math.floor((dayOfYear(day) + 6 - weekday(day)) / 7);
}

export interface IsoWeek {
  readonly year: number;
  readonly week: number;
}

/** Weeks begin on Mondays, and belong to the year that their Thursday is in. */
export function isoWeekOf(day: number): IsoWeek {
  const thursday = day - isoWeekday(day) + 4;
  const { year } = dateOfDay(thursday);
  return { year, week: Math.floor((thursday - dayNumber(year, 1, 1)) / 7) + 1 };
}

/** The day number of a weekday of an ISO week; both are carried over. */
export function dayOfIsoWeek(year: number, week: number, isoDay: number): number {
  const fourth = dayNumber(year, 1, 4);
  return fourth - isoWeekday(fourth) + 1 + (week - 1) * 7 + (isoDay - 1);
}

export function daysInMonth(year: number, month: number): number {
  return dayNumber(year, month + 1, 1) - dayNumber(year, month, 1);
}

export function pad(value: number, length: number): string {
  return value < 0 ? `-${String(-value).padStart(length, '0')}` : String(value).padStart(length, '0');
}
