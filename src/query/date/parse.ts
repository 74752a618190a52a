/** Texts to dates: the common forms, or a given format. */
import { CommandError } from '../../base/command_error.ts';
import { dayNumber, dayOfIsoWeek, daysInMonth, joinDay } from './calendar.ts';
import { MONTH_NAMES } from './format.ts';
import { timeZoneOf, UTC, type TimeZone } from './time_zone.ts';

function failure(message: string): CommandError {
  return new CommandError('ConversionFailure', message);
}

interface Fields {
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
}

const MONTHS = new Map<string, number>([['sept', 9]]);
for (const [i, name] of MONTH_NAMES.entries()) {
  MONTHS.set(name.toLowerCase(), i + 1);
  MONTHS.set(name.slice(0, 3).toLowerCase(), i + 1);
}

const MONTH = '(?<name>[A-Za-z]{3,9})\\.?';
const DAY_NAME = '(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?,?\\s+)?';

const DATE_FORMS: readonly string[] = [
  '(?<y>\\d{4})-(?<m>\\d{1,2})-(?<d>\\d{1,2})',
  '(?<y>\\d{4})/(?<m>\\d{1,2})/(?<d>\\d{1,2})',
  '(?<m>\\d{1,2})/(?<d>\\d{1,2})/(?<y>\\d{4})',
  '(?<d>\\d{1,2})[.-](?<m>\\d{1,2})[.-](?<y>\\d{4})',
  '(?<y>\\d{4})(?<m>\\d{2})(?<d>\\d{2})',
  `${MONTH}[ \\t]+(?<d>\\d{1,2})(?:st|nd|rd|th)?,?[ \\t]+(?<y>\\d{4})`,
  `(?<d>\\d{1,2})(?:st|nd|rd|th)?[ \\t-]+${MONTH}[ \\t,-]+(?<y>\\d{4})`,
  `(?<y>\\d{4})-${MONTH}-(?<d>\\d{1,2})`,
];

const TIME_FORM =
  '(?:(?:[tT]|\\s+|,\\s*)(?<h>\\d{1,2})(?::(?<mi>\\d{2})(?::(?<s>\\d{2})(?:[.,](?<f>\\d{1,9}))?)?)?' +
  '(?:\\s*(?<half>[aApP])\\.?[mM]\\.?)?|[tT](?<h2>\\d{2})(?<mi2>\\d{2})(?<s2>\\d{2})(?:[.,](?<f2>\\d{1,9}))?)';
const ZONE_FORM = '(?:\\s*(?<z>[zZ]|UTC|GMT)?(?<o>[+-]\\d{1,2}(?::?\\d{2})?)?)';

const FORMS: readonly RegExp[] = DATE_FORMS.map(
  (date) => new RegExp(`^\\s*${DAY_NAME}${date}(?:${TIME_FORM}${ZONE_FORM})?\\s*$`, 'i'),
);

/** `zone` applies to texts without one; a text that has one is refused then. Throws 241 for what is no date. */
export function parseDate(text: string, zone: TimeZone | undefined): bigint {
  for (const form of FORMS) {
    const groups = form.exec(text)?.groups;
    if (groups !== undefined) return instantOf(text, fieldsOf(text, groups), zone);
  }
  if (/^\s*(\d{1,2}:\d{2}(:\d{2})?|\d{4})?\s*$/.test(text)) {
    throw failure(`an incomplete date/time string has been found, with elements missing: "${text}"`);
  }
  throw failure(`Error parsing date string '${text}'`);
}

function fieldsOf(text: string, groups: Readonly<Record<string, string | undefined>>): Fields {
  const number = (...names: readonly string[]): number => {
    for (const name of names) if (groups[name] !== undefined) return Number(groups[name]);
    return 0;
  };
  const fraction = groups.f ?? groups.f2 ?? '0';
  const month = groups.name === undefined ? number('m') : MONTHS.get(groups.name.toLowerCase());
  if (month === undefined) throw failure(`Error parsing date string '${text}'; unexpected word '${groups.name}'`);
  const fields: Fields = {
    year: number('y'),
    month,
    day: number('d'),
    hour: hourOf(number('h', 'h2'), groups.half),
    minute: number('mi', 'mi2'),
    second: number('s', 's2'),
    millisecond: Number(fraction.slice(0, 3).padEnd(3, '0')),
  };
  if (groups.z !== undefined || groups.o !== undefined) fields.offsetMs = offsetOf(groups.o);
  return fields;
}

function hourOf(hour: number, half: string | undefined): number {
  if (half === undefined) return hour;
  if (hour < 1 || hour > 12) return Number.NaN;
  return (hour % 12) + (half.toLowerCase() === 'p' ? 12 : 0);
}

function offsetOf(text: string | undefined): number {
  if (text === undefined) return 0;
  const [, sign = '+', hours = '0', minutes = '0'] = /^([+-])(\d{1,2}):?(\d{2})?$/.exec(text) ?? [];
  const size = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return sign === '-' ? -size : size;
}

function instantOf(text: string, fields: Fields, zone: TimeZone | undefined): bigint {
  checkRanges(text, fields);
  const { hour = 0, minute = 0, second = 0, millisecond = 0, offsetMs } = fields;
  const localMs = joinDay(dayOf(text, fields), ((hour * 60 + minute) * 60 + second) * 1000 + millisecond);
  if (offsetMs === undefined) return (zone ?? UTC).instantOf(localMs);
  if (zone !== undefined) {
    throw failure(
      `you cannot pass in a date/time string with time zone information together with a timezone argument: '${text}'`,
    );
  }
  return localMs - BigInt(offsetMs);
}

function dayOf(text: string, fields: Fields): number {
  const { year, month, day, isoYear, isoWeek, isoDay = 1, dayOfYear } = fields;
  if (isoYear !== undefined && isoWeek !== undefined) return dayOfIsoWeek(isoYear, isoWeek, isoDay);
  if (year !== undefined && dayOfYear !== undefined) return dayNumber(year, 1, 1) + dayOfYear - 1;
  if (year === undefined || month === undefined || day === undefined) {
    throw failure(`an incomplete date/time string has been found, with elements missing: "${text}"`);
  }
  return dayNumber(year, month, day);
}

function checkRanges(text: string, fields: Fields): void {
  const { year = 1, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = fields;
  const isTime = hour >= 0 && hour <= 23 && minute <= 59 && second <= 59;
  const isDate = month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month);
  if (!isTime || !isDate) throw failure(`Error parsing date string '${text}'; The parsed date was invalid`);
}

interface FormatPart {
  readonly pattern: RegExp;
  set(fields: Fields, text: string): void;
}

function digits(count: string, set: (fields: Fields, value: number) => void): FormatPart {
  return { pattern: new RegExp(`\\d{${count}}`, 'y'), set: (fields, text) => set(fields, Number(text)) };
}

const OFFSET_PATTERN = /[zZ]|UTC|GMT|[+-]\d{1,2}(?::?\d{2})?|[A-Z][A-Za-z]*(?:\/[A-Za-z_+-]+)+/y;

const FORMAT_PARTS: ReadonlyMap<string, FormatPart> = new Map<string, FormatPart>([
  ['Y', digits('4', (fields, value) => (fields.year = value))],
  ['m', digits('1,2', (fields, value) => (fields.month = value))],
  ['d', digits('1,2', (fields, value) => (fields.day = value))],
  ['H', digits('1,2', (fields, value) => (fields.hour = value))],
  ['M', digits('1,2', (fields, value) => (fields.minute = value))],
  ['S', digits('1,2', (fields, value) => (fields.second = value))],
  ['L', { pattern: /\d{1,3}/y, set: (fields, text) => (fields.millisecond = Number(text.padEnd(3, '0'))) }],
  ['j', digits('1,3', (fields, value) => (fields.dayOfYear = value))],
  ['G', digits('4', (fields, value) => (fields.isoYear = value))],
  ['V', digits('1,2', (fields, value) => (fields.isoWeek = value))],
  ['u', digits('1', (fields, value) => (fields.isoDay = value))],
  ['b', { pattern: /[A-Za-z]{3}/y, set: setMonthName }],
  ['B', { pattern: /[A-Za-z]{3,9}/y, set: setMonthName }],
  ['z', { pattern: OFFSET_PATTERN, set: setOffset }],
  ['Z', { pattern: /[+-]?\d{1,4}/y, set: (fields, text) => (fields.offsetMs = Number(text) * 60_000) }],
]);

function setMonthName(fields: Fields, text: string): void {
  const month = MONTHS.get(text.toLowerCase());
  if (month === undefined) throw failure(`Error parsing date string: '${text}' is no month`);
  fields.month = month;
}

function setOffset(fields: Fields, text: string): void {
  if (/^[+-]/.test(text)) fields.offsetMs = offsetOf(text);
  else fields.offsetMs = timeZoneOf(/^[zZ]$/.test(text) ? 'UTC' : text).offsetAt(0n);
}

/** Whether `%letter` may stand in a format that texts are read by. */
export function isParseSpecifier(letter: string): boolean {
  return letter === '%' || FORMAT_PARTS.has(letter);
}

/** The whole text must follow the format, which was checked. Throws 241 for a text that does not. */
export function parseDateBy(format: string, text: string, zone: TimeZone | undefined): bigint {
  const fields: Fields = {};
  let at = 0;
  for (let i = 0; i < format.length; i++) {
    const part = format[i] === '%' ? FORMAT_PARTS.get(format[i + 1]) : undefined;
    if (format[i] === '%') i++;
    if (part === undefined) {
      if (text[at] !== format[i]) throw failure(`Error parsing date string '${text}'; ${at}: Format literal not found`);
      at++;
      continue;
    }
    part.pattern.lastIndex = at;
    const found = part.pattern.exec(text)?.[0];
    if (found === undefined) throw failure(`Error parsing date string '${text}'; ${at}: Unexpected data`);
    part.set(fields, found);
    at += found.length;
  }
  if (at < text.length) throw failure(`Error parsing date string '${text}'; ${at}: Trailing data '${text[at]}'`);
  return instantOf(text, fields, zone);
}
