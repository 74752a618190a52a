import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { civilOf, dateOfDay, dayNumber, isoWeekOf, splitDay } from './calendar.ts';
import { isoText } from './iso_text.ts';
import { timeZoneOf } from './time_zone.ts';

describe('the calendar', () => {
  test('agrees with that of the engine', () => {
    fc.assert(
      fc.property(fc.date({ noInvalidDate: true }), (date) => {
        const { year, month, day, hour, millisecond } = civilOf(BigInt(date.getTime()));
        expect([year, month - 1, day, hour, millisecond]).toEqual([
          date.getUTCFullYear(),
          date.getUTCMonth(),
          date.getUTCDate(),
          date.getUTCHours(),
          date.getUTCMilliseconds(),
        ]);
      }),
    );
  });

  test('goes from days to dates and back', () => {
    fc.assert(
      fc.property(fc.integer({ min: -100_000_000, max: 100_000_000 }), (number) => {
        const { year, month, day } = dateOfDay(number);
        expect(dayNumber(year, month, day)).toBe(number);
      }),
    );
  });

  test('gives the first days of January to the last week of the year before', () => {
    expect(isoWeekOf(dayNumber(2016, 1, 1))).toEqual({ year: 2015, week: 53 });
  });

  test('reaches the ends of int64', () => {
    expect(splitDay(-(2n ** 63n)).ms).toBe(60_424_192);
    expect(isoText(-62_135_596_800_000n)).toBe('0001-01-01T00:00:00.000Z');
  });
});

describe('time zones', () => {
  test('a local time that is skipped counts on from before the gap', () => {
    const zone = timeZoneOf('America/New_York');
    expect(zone.instantOf(BigInt(Date.UTC(2020, 2, 8, 2, 30)))).toBe(BigInt(Date.UTC(2020, 2, 8, 7, 30)));
  });

  test('a local time that comes twice is the earlier one', () => {
    const zone = timeZoneOf('America/New_York');
    expect(zone.instantOf(BigInt(Date.UTC(2020, 10, 1, 1, 30)))).toBe(BigInt(Date.UTC(2020, 10, 1, 5, 30)));
  });

  test.each(['america/new_york', 'Nowhere', '+5', '', 'x'])('%j is none', (name) => {
    expect(() => timeZoneOf(name)).toThrow('unrecognized time zone identifier');
  });
});
