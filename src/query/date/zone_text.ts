/** Time zones as texts of dates carry them: offsets, abbreviations and the letters of military time. Never Olson names. */

const MINUTE_MS = 60_000;

/** Hours ahead of UTC. An abbreviation of several zones means the one that timelib lists first. */
const ABBREVIATIONS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    utc: 0,
    gmt: 0,
    wet: 0,
    west: 1,
    bst: 1,
    cet: 1,
    cest: 2,
    eet: 2,
    eest: 3,
    ist: 2,
    idt: 3,
    sast: 2,
    cat: 2,
    wat: 1,
    eat: 3,
    msk: 3,
    msd: 4,
    pkt: 5,
    wib: 7,
    hkt: 8,
    awst: 8,
    jst: 9,
    kst: 9,
    acst: 9.5,
    acdt: 10.5,
    aest: 10,
    aedt: 11,
    nzst: 12,
    nzdt: 13,
    nst: -3.5,
    ndt: -2.5,
    ast: -4,
    adt: -3,
    est: -5,
    edt: -4,
    cst: -6,
    cdt: -5,
    mst: -7,
    mdt: -6,
    pst: -8,
    pdt: -7,
    akst: -9,
    akdt: -8,
    hst: -10,
    sst: -11,
  }),
);

/** As a regular expression's source: an offset, `GMT+2`, or a word, which may stand in brackets. */
export const ZONE_SOURCE =
  '(?:GMT)?[+-](?:(?:2[0-4]|[01]?\\d)(?::?[0-5]?\\d)?)|\\(?[A-Za-z]{1,6}\\)?|[A-Z][a-z]+(?:[_/-][A-Za-z]+)+';

/** Local time less UTC, of a text that ZONE_SOURCE matched; undefined for a word that names no zone here. */
export function offsetOfZoneText(text: string): number | undefined {
  const [, sign, hours, minutes = '0'] = /^(?:gmt)?([+-])(\d{1,2}?):?(\d{1,2})?$/i.exec(text) ?? [];
  if (sign === undefined) return offsetOfWord(text.replaceAll(/[()]/g, '').toLowerCase());
  // A lone pair of digits is an hour.
  const digits = text.replaceAll(/\D/g, '');
  const size = digits.length <= 2 && !text.includes(':') ? Number(digits) * 60 : Number(hours) * 60 + Number(minutes);
  return (sign === '-' ? -size : size) * MINUTE_MS;
}

function offsetOfWord(word: string): number | undefined {
  const hours = word.length === 1 ? militaryHours(word) : ABBREVIATIONS.get(word);
  return hours === undefined ? undefined : hours * 60 * MINUTE_MS;
}

/** A to M without J go east, N to Y west, Z is UTC. */
function militaryHours(letter: string): number | undefined {
  const east = 'abcdefghiklm'.indexOf(letter);
  if (east >= 0) return east + 1;
  const west = 'nopqrstuvwxy'.indexOf(letter);
  if (west >= 0) return -west - 1;
  return letter === 'z' ? 0 : undefined;
}
