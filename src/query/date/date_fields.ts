/** What a text told of a date, and the instant it means. */
import { CommandError } from '../../base/command_error.ts';
import { dayNumber, dayOfIsoWeek, daysInMonth, joinDay, weekday } from './calendar.ts';
import { MONTH_NAMES } from './format.ts';
import { UTC, type TimeZone } from './time_zone.ts';

export interface DateFields {
  year?: number;
  month?: number;
  day?: number;
  isoYear?: number;
  isoWeek?: number;
  isoDay?: number;
  dayOfYear?: number;
  hour?: number;
  minute?: number;
  second?: number;
  millisecond?: number;
  /** Local time less UTC. */
  offsetMs?: number;
  /** What said so. */
  zoneText?: string;
  /** Sunday is 0: the date is the first such day from the given one on. */
  weekday?: number;
}

export function dateFailure(message: string): CommandError {
  return new CommandError('ConversionFailure', message);
}

const ROMAN = ['i', 'ii', 'iii', 'iv', 'v', 'vi', 'vii', 'viii', 'ix', 'x', 'xi', 'xii'];

/** Months by their names, abbreviations and Roman numbers, in lower case. */
export const MONTHS: ReadonlyMap<string, number> = new Map([
  ...MONTH_NAMES.map((name, i): [string, number] => [name.toLowerCase(), i + 1]),
  ...MONTH_NAMES.map((name, i): [string, number] => [name.slice(0, 3).toLowerCase(), i + 1]),
  ...ROMAN.map((name, i): [string, number] => [name, i + 1]),
  ['sept', 9],
]);

/** `zone` applies to texts without one; a text that has one is refused then. Throws 241 for what is no date. */
export function instantOfFields(text: string, fields: DateFields, zone: TimeZone | undefined): bigint {
  checkRanges(text, fields);
  const { hour = 0, minute = 0, second = 0, millisecond = 0, offsetMs } = fields;
  const localMs = joinDay(dayOf(text, fields), ((hour * 60 + minute) * 60 + second) * 1000 + millisecond);
  if (offsetMs === undefined) return (zone ?? UTC).instantOf(localMs);
  if (zone !== undefined) {
    const { zoneText = '' } = fields;
    const what = /[+-]/.test(zoneText) || zoneText === '' ? 'GMT offset' : `time zone information ('${zoneText}')`;
    throw dateFailure(`you cannot pass in a date/time string with ${what} together with a timezone argument`);
  }
  return localMs - BigInt(offsetMs);
}

function dayOf(text: string, fields: DateFields): number {
  const { isoYear, isoWeek = 1, isoDay = 1, weekday: wanted } = fields;
  if (isoYear !== undefined) return dayOfIsoWeek(isoYear, isoWeek, isoDay);
  const day = naturalDayOf(text, fields);
  return wanted === undefined ? day : day + ((wanted - weekday(day) + 7) % 7);
}

function naturalDayOf(text: string, { year, month, day, dayOfYear }: DateFields): number {
  if (year !== undefined && dayOfYear !== undefined) return dayNumber(year, 1, 1) + dayOfYear - 1;
  if (year === undefined || month === undefined || day === undefined) {
    throw dateFailure(`an incomplete date/time string has been found, with elements missing: "${text}"`);
  }
  return dayNumber(year, month, day);
}

function checkRanges(text: string, fields: DateFields): void {
  const isNatural = [fields.year, fields.month, fields.day].some((part) => part !== undefined);
  const isIso = [fields.isoYear, fields.isoWeek, fields.isoDay].some((part) => part !== undefined);
  if (isNatural && isIso) {
    throw dateFailure(`Error parsing date string '${text}'; Mixing of ISO dates with natural dates is not allowed`);
  }
  const lacksYear = isIso && fields.isoYear === undefined;
  if (lacksYear || !isDate(fields) || !isTime(fields)) {
    throw dateFailure(`Error parsing date string '${text}'; The parsed date was invalid`);
  }
}

function isDate({ year = 1, month = 1, day = 1 }: DateFields): boolean {
  return year >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month);
}

function isTime({ hour = 0, minute = 0, second = 0 }: DateFields): boolean {
  return hour >= 0 && hour <= 23 && minute <= 59 && second <= 59;
}
