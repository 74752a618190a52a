/** Values as texts, in the form in which MongoDB's error messages show them. */
import { Decimal128 } from 'bson';
import { doubleAt, int32At, int64At, textOf, uint32At } from '../bson/bytes.ts';
import { ElementReader } from '../bson/elements.ts';
import { BSON_TYPE, typeAlias, type ValueSpan } from '../bson/types.ts';
import { stringOf } from '../bson/value.ts';

/** Longer strings are cut here. */
const STRING_SHOWN_MAX = 160;

const SIGNIFICANT_DIGITS = 16;

/** `{ a: 1, b: [ 2 ] }`. */
export function describeDocument(bytes: Uint8Array, at = 0): string {
  return describeItems(bytes, at, true);
}

/** `name: value`. */
export function describeElement(name: string, value: ValueSpan): string {
  return `${name}: ${describeValue(value)}`;
}

export function describeValue(value: ValueSpan): string {
  const { bytes, start, end } = value;
  switch (value.type) {
    case BSON_TYPE.int32:
      return String(int32At(bytes, start));
    case BSON_TYPE.int64:
      return String(int64At(bytes, start));
    case BSON_TYPE.double:
      return describeDouble(doubleAt(bytes, start));
    case BSON_TYPE.decimal128:
      return new Decimal128(bytes.slice(start, end)).toString();
    case BSON_TYPE.string:
    case BSON_TYPE.symbol:
    case BSON_TYPE.javascript:
      return describeString(stringOf(value));
    case BSON_TYPE.object:
      return describeItems(bytes, start, true);
    case BSON_TYPE.array:
      return describeItems(bytes, start, false);
    default:
      return describeRare(value);
  }
}

function describeRare(value: ValueSpan): string {
  const { bytes, start, end } = value;
  switch (value.type) {
    case BSON_TYPE.bool:
      return bytes[start] === 0 ? 'false' : 'true';
    case BSON_TYPE.date:
      return `new Date(${int64At(bytes, start)})`;
    case BSON_TYPE.objectId:
      return `ObjectId('${hexOf(bytes, start, end)}')`;
    case BSON_TYPE.timestamp:
      return `Timestamp(${uint32At(bytes, start + 4)}, ${uint32At(bytes, start)})`;
    case BSON_TYPE.binData:
      return `BinData(${bytes[start + 4]}, ${hexOf(bytes, start + 5, end).toUpperCase()})`;
    case BSON_TYPE.regex:
      return describeRegex(bytes, start, end);
    case BSON_TYPE.minKey:
      return 'MinKey';
    case BSON_TYPE.maxKey:
      return 'MaxKey';
    default:
      return typeAlias(value.type);
  }
}

/** Always shows that it is a double: `1.0`. */
export function describeDouble(value: number): string {
  if (Number.isNaN(value)) return 'nan.0';
  if (!Number.isFinite(value)) return value > 0 ? 'inf.0' : '-inf.0';
  if (Object.is(value, -0)) return '-0.0';
  const text = shortest(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** As C prints `%.16g`. */
function shortest(value: number): string {
  const [digits = '', exponentText = '0'] = value.toExponential(SIGNIFICANT_DIGITS - 1).split('e');
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < SIGNIFICANT_DIGITS) {
    const fixed = value.toFixed(SIGNIFICANT_DIGITS - 1 - exponent);
    return fixed.includes('.') ? fixed.replace(/\.?0+$/, '') : fixed;
  }
  const sign = exponent < 0 ? '-' : '+';
  return `${digits.replace(/\.?0+$/, '')}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

function describeString(text: string): string {
  return text.length > STRING_SHOWN_MAX ? `"${text.slice(0, STRING_SHOWN_MAX - 10)}..."` : `"${text}"`;
}

function describeRegex(bytes: Uint8Array, start: number, end: number): string {
  const middle = bytes.indexOf(0, start);
  return `/${textOf(bytes, start, middle)}/${textOf(bytes, middle + 1, end - 1)}`;
}

function describeItems(bytes: Uint8Array, at: number, named: boolean): string {
  const reader = new ElementReader(bytes, at);
  const items: string[] = [];
  while (reader.next()) items.push(named ? describeElement(reader.name(), reader) : describeValue(reader));
  const [open, close] = named ? ['{', '}'] : ['[', ']'];
  return items.length === 0 ? `${open}${close}` : `${open} ${items.join(', ')} ${close}`;
}

function hexOf(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i++) text += bytes[i].toString(16).padStart(2, '0');
  return text;
}
