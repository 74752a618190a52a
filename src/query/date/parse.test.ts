import { describe, expect, test } from 'vitest';
import { parseDate } from './parse.ts';
import { parseDateBy } from './parse_format.ts';
import { timeZoneOf } from './time_zone.ts';

const read = (text: string): string => new Date(Number(parseDate(text, undefined))).toISOString();
const readBy = (format: string, text: string): string =>
  new Date(Number(parseDateBy(format, text, undefined))).toISOString();

describe('parseDate', () => {
  test.each([
    ['2017-07-04', '2017-07-04T00:00:00.000Z'],
    ['2017-07-04T11:56:02.813Z', '2017-07-04T11:56:02.813Z'],
    ['2017-07-04T11:56:02.8', '2017-07-04T11:56:02.800Z'],
    ['2017-07-04T11:56.02.81', '2017-07-04T11:56:02.810Z'],
    ['2017-7-4 1:2:3', '2017-07-04T01:02:03.000Z'],
    ['2017-07', '2017-07-01T00:00:00.000Z'],
    ['2017/7/4', '2017-07-04T00:00:00.000Z'],
    ['7/4/17', '2017-07-04T00:00:00.000Z'],
    ['7/4/70', '1970-07-04T00:00:00.000Z'],
    ['04-07-2017', '2017-07-04T00:00:00.000Z'],
    ['4.7.2017 23:59', '2017-07-04T23:59:00.000Z'],
    ['20170704', '2017-07-04T00:00:00.000Z'],
    ['20170704T115602', '2017-07-04T11:56:02.000Z'],
    ['2017185', '2017-07-04T00:00:00.000Z'],
    ['2017-W27-2', '2017-07-04T00:00:00.000Z'],
    ['2017W27', '2017-07-03T00:00:00.000Z'],
    ['July 4th, 2017', '2017-07-04T00:00:00.000Z'],
    ['July 4th, 2017 11am', '2017-07-04T11:00:00.000Z'],
    ['July 4th, 2017 12pm', '2017-07-04T12:00:00.000Z'],
    ['July 4th, 2017 12:30 a.m.', '2017-07-04T00:30:00.000Z'],
    ['4 VII 2017', '2017-07-04T00:00:00.000Z'],
    ['2017-Jul-04 noon', '2017-07-04T12:00:00.000Z'],
    ['Jul-04-17', '2017-07-04T00:00:00.000Z'],
    ['Tue, 04 Jul 2017 11:56:02 +0000', '2017-07-04T11:56:02.000Z'],
    ['Tue Jul 4 11:56:02 UTC 2017', '2017-07-04T11:56:02.000Z'],
    ['Thursday 2017-07-04', '2017-07-06T00:00:00.000Z'],
    ['10/Oct/2000:13:55:36 -0700', '2000-10-10T20:55:36.000Z'],
    ['2017:07:04 11:56:02', '2017-07-04T11:56:02.000Z'],
  ])('%s', (text, instant) => {
    expect(read(text)).toBe(instant);
  });

  test.each([
    ['GMT', '12:02:44.771'],
    ['UTC', '12:02:44.771'],
    ['GMT+00:00', '12:02:44.771'],
    ['GMT+02', '10:02:44.771'],
    ['GMT-0200', '14:02:44.771'],
    ['+03', '09:02:44.771'],
    ['+0330', '08:32:44.771'],
    ['+03:30', '08:32:44.771'],
    ['CEST', '10:02:44.771'],
    ['BST', '11:02:44.771'],
    ['EST', '17:02:44.771'],
    ['(PDT)', '19:02:44.771'],
    ['A', '11:02:44.771'],
    ['L', '01:02:44.771'],
    ['P', '15:02:44.771'],
    ['Z', '12:02:44.771'],
  ])('with the time zone %s', (zone, time) => {
    expect(read(`2017-07-14T12:02:44.771 ${zone}`)).toBe(`2017-07-14T${time}Z`);
    expect(readBy('%Y-%m-%dT%H:%M:%S.%L%z', `2017-07-14T12:02:44.771 ${zone}`)).toBe(`2017-07-14T${time}Z`);
  });

  test.each(['', '2017', 'July 4th', '12:50:53', 'Friday', 'July'])('%j lacks a part of the date', (text) => {
    expect(() => read(text)).toThrow('an incomplete date/time string has been found');
  });

  test.each([
    '2017, 12:50:53',
    '60.Monday1770/06:59',
    'July 4th, 10000',
    'Not even close',
    '2017-02-30',
    '-0001-01-01',
    '2017-07-04T24:00:00Z',
    '2017-07-04 2017-07-05',
    '2017-07-04 11:00 Europe/Paris',
  ])('%s is refused', (text) => {
    expect(() => read(text)).toThrow(`Error parsing date string '${text}'`);
  });

  test('a text with a time zone may not be read in another', () => {
    expect(() => parseDate('2017-07-04T11:00:00 EST', timeZoneOf('Europe/Paris'))).toThrow('together with a timezone');
  });
});

describe('parseDateBy', () => {
  test.each([
    ['%d %m %Y', '05 12 1988', '1988-12-05T00:00:00.000Z'],
    ['%Y %% %m %% %d', '1992 % 04 % 26', '1992-04-26T00:00:00.000Z'],
    ['%m/%d/%Y:%z', '4/26/1992:+0445', '1992-04-25T19:15:00.000Z'],
    ['%m/%d/%Y:%Z', '4/26/1992:+285', '1992-04-25T19:15:00.000Z'],
    ['%G', '2017', '2017-01-02T00:00:00.000Z'],
    ['%G, Week %V', '2017, Week 53', '2018-01-01T00:00:00.000Z'],
    ['%G, Day %u', '2017, Day 5', '2017-01-06T00:00:00.000Z'],
    ['%V.%u.%G', '1.1.1', '0001-01-01T00:00:00.000Z'],
  ])('%s', (format, text, instant) => {
    expect(readBy(format, text)).toBe(instant);
  });

  test.each([
    ['%Y-%m-%d', '2018-01', 'Data missing'],
    ['%Y', '2018-01', 'Trailing data'],
    ['Y-d-m', '1992-26-04', 'Format literal not found'],
    ['ISO Day %u', 'ISO Day 6', 'The parsed date was invalid'],
    ['ISO Week %V', 'ISO Week 52', 'The parsed date was invalid'],
    ['ISO Week %V, %Y', 'ISO Week 1, 2018', 'Mixing of ISO dates with natural dates is not allowed'],
    ['%m/%d/%G', '12/31/2018', 'Mixing of ISO dates with natural dates is not allowed'],
  ])('%s does not read %s', (format, text, message) => {
    expect(() => readBy(format, text)).toThrow(message);
  });
});
