/** Counting in units of the calendar: adding, differences, and cutting down to a whole unit. */
import { CommandError } from '../../base/command_error.ts';
import { dateOfDay, dayNumber, daysInMonth, joinDay, splitDay, weekday } from './calendar.ts';
import type { TimeZone } from './time_zone.ts';

export type TimeUnit = 'year' | 'quarter' | 'month' | 'week' | 'day' | 'hour' | 'minute' | 'second' | 'millisecond';

/** Milliseconds of the units that are always the same. */
const UNIT_MS: ReadonlyMap<TimeUnit, bigint> = new Map<TimeUnit, bigint>([
  ['hour', 3_600_000n],
  ['minute', 60_000n],
  ['second', 1000n],
  ['millisecond', 1n],
]);

const UNIT_MONTHS: ReadonlyMap<TimeUnit, number> = new Map<TimeUnit, number>([
  ['year', 12],
  ['quarter', 3],
  ['month', 1],
]);

const UNIT_DAYS: ReadonlyMap<TimeUnit, number> = new Map<TimeUnit, number>([
  ['week', 7],
  ['day', 1],
]);

const UNITS: readonly TimeUnit[] = [...UNIT_MONTHS.keys(), ...UNIT_DAYS.keys(), ...UNIT_MS.keys()];

export function maybeTimeUnitOf(text: string): TimeUnit | undefined {
  return UNITS.find((name) => name === text);
}

/** Throws FailedToParse for what is none. */
export function timeUnitOf(text: string): TimeUnit {
  const unit = maybeTimeUnitOf(text);
  if (unit === undefined) throw new CommandError('FailedToParse', `unknown time unit value: ${text}`);
  return unit;
}

const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

/** 0 for Sunday; names in any case, or their first three letters. */
export function maybeWeekdayOf(text: string): number | undefined {
  const name = text.toLowerCase();
  const index = WEEKDAYS.findIndex((day) => day === name || day.slice(0, 3) === name);
  return index < 0 ? undefined : index;
}

/** Instants beyond this are no dates that the calendar here can count. */
const INSTANT_LIMIT = 1n << 63n;

function checkedInstant(unixMs: bigint): bigint {
  if (unixMs < -INSTANT_LIMIT || unixMs >= INSTANT_LIMIT) {
    throw new CommandError(5166406, 'date overflow: the result is beyond the range of dates');
  }
  return unixMs;
}

/** Most of any unit that may be added. */
const AMOUNT_MAX = 1n << 53n;

/** Days and longer units count in local time; a day that a month does not have becomes its last one. */
export function addUnits(unixMs: bigint, unit: TimeUnit, amount: bigint, zone: TimeZone): bigint {
  const unitMs = UNIT_MS.get(unit);
  if (unitMs !== undefined) return checkedInstant(unixMs + amount * unitMs);
  if (amount > AMOUNT_MAX || amount < -AMOUNT_MAX) throw new CommandError(5166406, 'invalid amount: too large');
  const { day, ms } = splitDay(unixMs + BigInt(zone.offsetAt(unixMs)));
  const months = UNIT_MONTHS.get(unit);
  const added =
    months === undefined
      ? day + Number(amount) * (UNIT_DAYS.get(unit) ?? 1)
      : monthsLater(day, Number(amount) * months);
  return checkedInstant(zone.instantOf(joinDay(added, ms)));
}

function monthsLater(day: number, months: number): number {
  const date = dateOfDay(day);
  const month = date.month + months;
  return dayNumber(date.year, month, Math.min(date.day, daysInMonth(date.year, month)));
}

export interface WeekOptions {
  readonly zone: TimeZone;
  /** 0 for Sunday. */
  readonly startOfWeek: number;
}

/** How many boundaries of the unit lie between two instants; negative when `end` comes first. */
export function unitsBetween(start: bigint, end: bigint, unit: TimeUnit, { zone, startOfWeek }: WeekOptions): bigint {
  const unitMs = UNIT_MS.get(unit);
  const localStart = start + BigInt(zone.offsetAt(start));
  const localEnd = end + BigInt(zone.offsetAt(end));
  if (unitMs !== undefined) {
    // An offset that is no whole hour moves the boundaries; a change of the clock does not.
    const shift = BigInt(zone.offsetAt(start)) % unitMs;
    return floorDivide(end + shift, unitMs) - floorDivide(start + shift, unitMs);
  }
  const from = splitDay(localStart).day;
  const to = splitDay(localEnd).day;
  if (unit === 'day') return BigInt(to - from);
  if (unit === 'week') return BigInt(weekNumber(to, startOfWeek) - weekNumber(from, startOfWeek));
  const months = UNIT_MONTHS.get(unit) ?? 1;
  return BigInt(Math.floor(monthNumber(to) / months) - Math.floor(monthNumber(from) / months));
}

function weekNumber(day: number, startOfWeek: number): number {
  // 1970-01-04 was a Sunday.
  return Math.floor((day - 3 - startOfWeek) / 7);
}

function monthNumber(day: number): number {
  const { year, month } = dateOfDay(day);
  return year * 12 + month - 1;
}

const REFERENCE_YEAR = 2000;
const REFERENCE_DAY = dayNumber(REFERENCE_YEAR, 1, 1);

/** The start of the bin of `size` units; bins are counted from 2000-01-01 local time, or its first start of a week. */
export function truncateTo(unixMs: bigint, unit: TimeUnit, size: bigint, { zone, startOfWeek }: WeekOptions): bigint {
  const unitMs = UNIT_MS.get(unit);
  if (unitMs !== undefined) {
    const reference = zone.instantOf(joinDay(REFERENCE_DAY, 0));
    const bin = unitMs * size;
    return reference + floorDivide(unixMs - reference, bin) * bin;
  }
  const bins = Number(size);
  const { day } = splitDay(unixMs + BigInt(zone.offsetAt(unixMs)));
  const months = UNIT_MONTHS.get(unit);
  if (months !== undefined) {
    const reference = REFERENCE_YEAR * 12;
    const count = Math.floor((monthNumber(day) - reference) / (months * bins)) * months * bins;
    return zone.instantOf(joinDay(dayNumber(REFERENCE_YEAR, 1 + count, 1), 0));
  }
  const days = (UNIT_DAYS.get(unit) ?? 1) * bins;
  const first = unit === 'week' ? REFERENCE_DAY + ((startOfWeek - weekday(REFERENCE_DAY) + 7) % 7) : REFERENCE_DAY;
  return zone.instantOf(joinDay(first + Math.floor((day - first) / days) * days, 0));
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}
