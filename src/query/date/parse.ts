/**
 * Texts to dates without a format: what timelib, which MongoDB reads them with, makes of them. At each place the rule that
 * takes the longest piece of the text wins, the earlier one of two; blanks, commas and points separate the pieces. Relative
 * pieces (`+1 day`, `last monday of`) are not read. Source of the rules: timelib's grammar, https://github.com/derickr/timelib
 */
import { dateFailure, instantOfFields, MONTHS, type DateFields } from './date_fields.ts';
import { offsetOfZoneText, ZONE_SOURCE } from './zone_text.ts';
import type { TimeZone } from './time_zone.ts';

type Groups = Readonly<Record<string, string | undefined>>;

/** What a rule's pieces give; a second one of the same kind is an error. */
type Kind = 'date' | 'time' | 'zone' | 'weekday';

interface Rule {
  readonly pattern: RegExp;
  readonly kinds: readonly Kind[];
}

const HOUR = '(?<h>2[0-4]|[01]?\\d)';
const HOUR_TWO = '(?<h>2[0-4]|[01]\\d)';
const HOUR_OF_HALF = '(?<h>1[0-2]|0?[1-9])';
const MINUTE = '(?<mi>[0-5]?\\d)';
const MINUTE_TWO = '(?<mi>[0-5]\\d)';
const SECOND = '(?<s>60|[0-5]?\\d)';
const SECOND_TWO = '(?<s>60|[0-5]\\d)';
const FRACTION = '\\.(?<f>\\d+)';
const HALF = '[ \\t]*(?<half>[ap])\\.?m\\.?(?:[ \\t]|$)';
const DAY = '(?<d>3[01]|[0-2]?\\d)(?:st|nd|rd|th)?';
const DAY_TWO = '(?<d>0\\d|[12]\\d|3[01])';
const MONTH = '(?<m>1[0-2]|0?\\d)';
const MONTH_TWO = '(?<m>0\\d|1[0-2])';
const YEAR = '(?<y>\\d{1,4})';
const YEAR_FOUR = '(?<y>\\d{4})';
const MONTH_SHORT = 'jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec';
const MONTH_LONG = 'january|february|march|april|may|june|july|august|september|october|november|december';
const MONTH_TEXT = `(?<name>${MONTH_LONG}|${MONTH_SHORT}|viii|vii|vi|v|iv|iii|ii|ix|i|xii|xi|x)`;
const GAP = '[ .\\t-]*';
const DAY_GAP = '(?:[,.stndrh\\t ]+)';
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

function rule(kinds: string, source: string): Rule {
  const parsed = kinds
    .split(' ')
    .flatMap((kind): Kind[] =>
      kind === 'date' || kind === 'time' || kind === 'zone' || kind === 'weekday' ? [kind] : [],
    );
  return { kinds: parsed, pattern: new RegExp(source, 'iy') };
}

/** In timelib's order. */
const RULES: readonly Rule[] = [
  rule('', '(?<word>now|noon|midnight|today)'),
  rule('time', `${HOUR_OF_HALF}(?:[:.]${MINUTE}(?:[:.]${SECOND_TWO})?)?${HALF}`),
  rule('time', `t${HOUR}(?:[:.]${MINUTE}(?:[:.]${SECOND}(?:${FRACTION})?)?)?`),
  rule('time', `${HOUR}[:.]${MINUTE}(?:[:.]${SECOND}(?:${FRACTION})?)?`),
  rule('', `(?<clock>t?(?:2[0-4]|[01]\\d)[0-5]\\d)`),
  rule('time', `t?${HOUR_TWO}${MINUTE_TWO}${SECOND_TWO}`),
  rule('date', `${MONTH}/${DAY}(?:/${YEAR})?`),
  rule('date', `(?<y>[+-]?\\d{4})-${MONTH_TWO}-${DAY_TWO}`),
  rule('date', `${YEAR_FOUR}/${MONTH}/${DAY}/?`),
  rule('date', `${YEAR_FOUR}-${MONTH}(?<first>)`),
  rule('date', `${YEAR}-${MONTH}-${DAY}`),
  rule('date', `${DAY}[ \\t.-]*${MONTH_TEXT}[ \\t.-]*${YEAR}`),
  rule('date', `${DAY}[.\\t-]${MONTH}[.-]${YEAR_FOUR}`),
  rule('date', `${DAY}[.\\t]${MONTH}\\.(?<y>\\d\\d)`),
  rule('date', `${MONTH_TEXT}${GAP}${YEAR_FOUR}(?<first>)`),
  rule('date', `${YEAR_FOUR}${GAP}${MONTH_TEXT}(?<first>)`),
  rule('date', `${MONTH_TEXT}${GAP}${DAY}${DAY_GAP}${YEAR}`),
  rule('date', `${MONTH_TEXT}${GAP}${DAY}(?:${DAY_GAP}|$)`),
  rule('date', `${DAY}${GAP}${MONTH_TEXT}`),
  rule('date', `${YEAR_FOUR}${MONTH_TWO}${DAY_TWO}`),
  rule('date time', `${YEAR_FOUR}-${MONTH_TWO}-${DAY_TWO}T${HOUR_TWO}:${MINUTE_TWO}:${SECOND_TWO}${FRACTION}`),
  rule('date time', `${YEAR_FOUR}${MONTH_TWO}${DAY_TWO}T${HOUR}:?${MINUTE_TWO}:?${SECOND_TWO}`),
  rule('date time', `${YEAR_FOUR}-${MONTH}-${DAY}T${HOUR}:${MINUTE}:${SECOND}`),
  rule('date time', `${YEAR_FOUR}:${MONTH_TWO}:${DAY_TWO} ${HOUR_TWO}:${MINUTE_TWO}:${SECOND_TWO}`),
  rule('date', `${YEAR_FOUR}[.-]?(?<ordinal>00[1-9]|0[1-9]\\d|[12]\\d\\d|3[0-5]\\d|36[0-6])`),
  rule('date', '(?<isoYear>\\d{4})-?W(?<week>0[1-9]|[1-4]\\d|5[0-3])(?:-?(?<isoDay>[0-7]))?'),
  rule('date', `(?<name>${MONTH_SHORT})-${DAY_TWO}-${YEAR}`),
  rule('date', `${YEAR}-(?<name>${MONTH_SHORT})-${DAY_TWO}`),
  rule(
    'date time zone',
    `${DAY}/(?<name>${MONTH_SHORT})/${YEAR_FOUR}:${HOUR_TWO}:${MINUTE_TWO}:${SECOND_TWO}[ \\t]+(?<zone>[+-]\\d\\d:?\\d\\d)`,
  ),
  rule('', `${YEAR_FOUR}`),
  rule('weekday', '(?<weekday>sun|mon|tue|wed|thu|fri|sat)(?:day|sday|nesday|rsday|urday)?'),
  rule('', `(?<name>${MONTH_LONG}|${MONTH_SHORT})`),
  rule('zone', `(?<zone>${ZONE_SOURCE})`),
  rule('date time', `${MONTH_TEXT}${GAP}${DAY}${DAY_GAP}${HOUR}[:.]${MINUTE}(?:[:.]${SECOND})?`),
];

/** `zone` applies to texts without one; a text that has one is refused then. Throws 241 for what is no date. */
export function parseDate(text: string, zone: TimeZone | undefined): bigint {
  return instantOfFields(text, new Reader(text).read(), zone);
}

class Reader {
  readonly #text: string;
  readonly #fields: DateFields = {};
  readonly #seen = new Set<Kind>();
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): DateFields {
    for (;;) {
      while (' \t.,\n'.includes(this.#text[this.#at] ?? '-')) this.#at++;
      if (this.#at === this.#text.length) return this.#fields;
      this.#piece();
    }
  }

  #piece(): void {
    let best: RegExpExecArray | undefined;
    let chosen: Rule | undefined;
    for (const candidate of RULES) {
      candidate.pattern.lastIndex = this.#at;
      const found = candidate.pattern.exec(this.#text);
      if (found === null || found[0].length <= (best?.[0].length ?? 0)) continue;
      best = found;
      chosen = candidate;
    }
    if (best === undefined || chosen === undefined) throw this.#failure('Unexpected character');
    for (const kind of chosen.kinds) this.#see(kind);
    this.#take(best.groups ?? {});
    this.#at += best[0].length;
  }

  #see(kind: Kind): void {
    if (this.#seen.has(kind)) throw this.#failure(`Double ${kind === 'zone' ? 'timezone' : kind} specification`);
    this.#seen.add(kind);
  }

  #failure(message: string): Error {
    const found = this.#text[this.#at] ?? '';
    return dateFailure(`Error parsing date string '${this.#text}'; ${this.#at}: ${message} '${found}'`);
  }

  #take(groups: Groups): void {
    this.#takeDate(groups);
    this.#takeTime(groups);
    if (groups.word !== undefined && groups.word.toLowerCase() !== 'now')
      this.#setTime(/noon/i.test(groups.word) ? 12 : 0);
    if (groups.clock !== undefined) this.#takeFourDigits(groups.clock.replace(/^t/i, ''));
    if (groups.zone !== undefined) {
      const offsetMs = offsetOfZoneText(groups.zone);
      if (offsetMs === undefined) throw this.#failure('The timezone could not be found in the database');
      this.#fields.offsetMs = offsetMs;
      this.#fields.zoneText = groups.zone;
    }
    if (groups.weekday !== undefined) {
      this.#fields.weekday = WEEKDAYS.indexOf(groups.weekday.toLowerCase());
      this.#seen.delete('time');
      this.#setTime(0);
    }
  }

  #takeDate({ y, m, d, name, first, ordinal, isoYear, week, isoDay }: Groups): void {
    const fields = this.#fields;
    if (y !== undefined) fields.year = fullYear(y);
    if (m !== undefined) fields.month = Number(m);
    if (d !== undefined) fields.day = Number(d);
    if (name !== undefined) fields.month = MONTHS.get(name.toLowerCase()) ?? 0;
    if (first !== undefined) fields.day = 1;
    if (ordinal !== undefined) fields.dayOfYear = Number(ordinal);
    if (isoYear !== undefined)
      Object.assign(fields, { isoYear: Number(isoYear), isoWeek: Number(week), isoDay: Number(isoDay ?? 1) });
  }

  #takeTime({ h, mi = '0', s = '0', f = '0', half }: Groups): void {
    if (h === undefined) return;
    const hour = half === undefined ? Number(h) : (Number(h) % 12) + (half.toLowerCase() === 'p' ? 12 : 0);
    this.#setTime(hour);
    this.#fields.minute = Number(mi);
    this.#fields.second = Number(s);
    this.#fields.millisecond = Number(f.slice(0, 3).padEnd(3, '0'));
  }

  #setTime(hour: number): void {
    Object.assign(this.#fields, { hour, minute: 0, second: 0, millisecond: 0 });
  }

  /** A time, or the year once there is a time. */
  #takeFourDigits(digits: string): void {
    if (this.#seen.has('time')) {
      this.#fields.year = Number(digits);
      return;
    }
    this.#see('time');
    this.#setTime(Number(digits.slice(0, 2)));
    this.#fields.minute = Number(digits.slice(2));
  }
}

/** Two digits mean 1970 to 2069. */
function fullYear(digits: string): number {
  const year = Number(digits);
  if (digits.length >= 4 || year >= 100) return year;
  return year < 70 ? year + 2000 : year + 1900;
}
