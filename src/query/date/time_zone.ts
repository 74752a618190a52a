/**
 * Time zones: UTC, offsets, and names of the Olson database. The one place that asks the engine for its time zone data,
 * which is the same on every member that runs the same engine.
 */
import { CommandError } from '../../base/command_error.ts';
import { dayNumber, joinDay } from './calendar.ts';

export interface TimeZone {
  /** Local time less UTC at an instant, in milliseconds. */
  offsetAt(unixMs: bigint): number;
  /** The instant of a local time. Of two, the earlier; one that is skipped counts on from before the gap. */
  instantOf(localMs: bigint): bigint;
}

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** What the engine's dates can hold. */
const DATE_MS_MAX = 8_640_000_000_000_000n;

function fixedZone(offsetMs: number): TimeZone {
  const offset = BigInt(offsetMs);
  return { offsetAt: () => offsetMs, instantOf: (localMs) => localMs - offset };
}

export const UTC: TimeZone = fixedZone(0);

/** Zones by name. The names are few, so none is ever dropped. */
const ZONES = new Map<string, TimeZone>([
  ['UTC', UTC],
  ['GMT', UTC],
]);

const OFFSET = /^([+-])(\d\d):?(\d\d)?$/;

/** `Europe/Berlin`, `+02`, `+0200`, `+02:00`, `UTC`. Throws 40485 for what is none of these. */
export function timeZoneOf(name: string): TimeZone {
  const known = ZONES.get(name);
  if (known !== undefined) return known;
  const offset = OFFSET.exec(name);
  if (offset !== null && !name.endsWith(':')) {
    const size = Number(offset[2]) * HOUR_MS + Number(offset[3] ?? '0') * MINUTE_MS;
    return fixedZone(offset[1] === '-' ? -size : size);
  }
  const zone = namedZone(name);
  if (zone === undefined) throw new CommandError(40485, `unrecognized time zone identifier: "${name}"`);
  ZONES.set(name, zone);
  return zone;
}

/** Other names of zones that the engine shows under one: their spelling must be right as well. */
const SPELLING = /^(?:[A-Z][A-Za-z0-9+-]*(?:[_/-][A-Za-z0-9+-]+)*|[A-Z]{2,4})$/;

function namedZone(name: string): TimeZone | undefined {
  if (!SPELLING.test(name)) return undefined;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
      era: 'short',
    });
  } catch {
    // A name that the engine does not know.
    return undefined;
  }
  const { timeZone } = format.resolvedOptions();
  const isMisspelt = timeZone !== name && timeZone.toLowerCase() === name.toLowerCase();
  return isMisspelt ? undefined : new NamedZone(format);
}

class NamedZone implements TimeZone {
  readonly #format: Intl.DateTimeFormat;
  /** The last answer: documents of one query mostly lie near each other. */
  #fromMs = 1n;
  #toMs = 0n;
  #offsetMs = 0;

  constructor(format: Intl.DateTimeFormat) {
    this.#format = format;
  }

  offsetAt(unixMs: bigint): number {
    if (unixMs >= this.#fromMs && unixMs < this.#toMs) return this.#offsetMs;
    // Offsets change at whole quarters of an hour of UTC at the earliest.
    const quarter = BigInt(15 * MINUTE_MS);
    const start = unixMs - (((unixMs % quarter) + quarter) % quarter);
    this.#offsetMs = this.#ask(unixMs);
    this.#fromMs = start;
    this.#toMs = start + quarter;
    return this.#offsetMs;
  }

  instantOf(localMs: bigint): bigint {
    const before = BigInt(this.offsetAt(localMs - BigInt(24 * HOUR_MS)));
    const after = BigInt(this.offsetAt(localMs + BigInt(24 * HOUR_MS)));
    const guess = localMs - before;
    if (before === after || BigInt(this.offsetAt(guess)) === before) return guess;
    const other = localMs - after;
    return BigInt(this.offsetAt(other)) === after ? other : guess;
  }

  #ask(unixMs: bigint): number {
    const clamped = unixMs > DATE_MS_MAX ? DATE_MS_MAX : unixMs < -DATE_MS_MAX ? -DATE_MS_MAX : unixMs;
    // Offsets are whole seconds.
    const seconds = clamped - (((clamped % 1000n) + 1000n) % 1000n);
    const parts = new Map<string, string>();
    for (const { type, value } of this.#format.formatToParts(new Date(Number(seconds)))) parts.set(type, value);
    const part = (type: string): number => Number(parts.get(type) ?? '0');
    const year = parts.get('era') === 'BC' ? 1 - part('year') : part('year');
    const day = dayNumber(year, part('month'), part('day'));
    const local = joinDay(day, ((part('hour') * 60 + part('minute')) * 60 + part('second')) * 1000);
    return Number(local - seconds);
  }
}
