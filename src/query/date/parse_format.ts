/** Texts to dates by a format: `%Y-%m-%d`. */
import { dateFailure, instantOfFields, MONTHS, type DateFields } from './date_fields.ts';
import { offsetOfZoneText, ZONE_SOURCE } from './zone_text.ts';
import type { TimeZone } from './time_zone.ts';

interface FormatPart {
  readonly pattern: RegExp;
  set(fields: DateFields, text: string): void;
}

function digits(count: string, set: (fields: DateFields, value: number) => void): FormatPart {
  return { pattern: new RegExp(`\\d{${count}}`, 'y'), set: (fields, text) => set(fields, Number(text)) };
}

const FORMAT_PARTS: ReadonlyMap<string, FormatPart> = new Map<string, FormatPart>([
  ['Y', digits('4', (fields, value) => (fields.year = value))],
  ['m', digits('1,2', (fields, value) => (fields.month = value))],
  ['d', digits('1,2', (fields, value) => (fields.day = value))],
  ['H', digits('1,2', (fields, value) => (fields.hour = value))],
  ['M', digits('1,2', (fields, value) => (fields.minute = value))],
  ['S', digits('1,2', (fields, value) => (fields.second = value))],
  ['L', { pattern: /\d{1,3}/y, set: (fields, text) => (fields.millisecond = Number(text.padEnd(3, '0'))) }],
  ['j', digits('1,3', (fields, value) => (fields.dayOfYear = value))],
  ['G', digits('1,4', (fields, value) => (fields.isoYear = value))],
  ['V', digits('1,2', (fields, value) => (fields.isoWeek = value))],
  ['u', digits('1', (fields, value) => (fields.isoDay = value))],
  ['b', { pattern: /[A-Za-z]{3}/y, set: setMonthName }],
  ['B', { pattern: /[A-Za-z]{3,9}/y, set: setMonthName }],
  ['z', { pattern: new RegExp(`[ \\t]*(?:${ZONE_SOURCE})`, 'y'), set: setOffset }],
  ['Z', { pattern: /[+-]?\d{1,4}/y, set: (fields, text) => (fields.offsetMs = Number(text) * 60_000) }],
]);

function setMonthName(fields: DateFields, text: string): void {
  const month = MONTHS.get(text.toLowerCase());
  if (month === undefined) throw dateFailure(`Error parsing date string: '${text}' is no month`);
  fields.month = month;
}

function setOffset(fields: DateFields, text: string): void {
  const offsetMs = offsetOfZoneText(text.trim());
  if (offsetMs === undefined) throw dateFailure(`Error parsing date string: '${text.trim()}' is no time zone`);
  fields.offsetMs = offsetMs;
  fields.zoneText = text.trim();
}

/** Whether `%letter` may stand in a format that texts are read by. */
export function isParseSpecifier(letter: string): boolean {
  return letter === '%' || FORMAT_PARTS.has(letter);
}

/** The whole text must follow the format, which was checked. Throws 241 for a text that does not. */
export function parseDateBy(format: string, text: string, zone: TimeZone | undefined): bigint {
  const fields: DateFields = {};
  let at = 0;
  for (let i = 0; i < format.length; i++) {
    const part = format[i] === '%' ? FORMAT_PARTS.get(format[i + 1]) : undefined;
    if (format[i] === '%') i++;
    if (at >= text.length) throw dateFailure(`Error parsing date string '${text}'; ${at}: Data missing ''`);
    if (part === undefined) {
      if (text[at] !== format[i]) {
        throw dateFailure(`Error parsing date string '${text}'; ${at}: Format literal not found '${text[at]}'`);
      }
      at++;
      continue;
    }
    part.pattern.lastIndex = at;
    const found = part.pattern.exec(text)?.[0];
    if (found === undefined) throw dateFailure(`Error parsing date string '${text}'; ${at}: Unexpected data`);
    part.set(fields, found);
    at += found.length;
  }
  if (at < text.length) throw dateFailure(`Error parsing date string '${text}'; ${at}: Trailing data '${text[at]}'`);
  return instantOfFields(text, fields, zone);
}
