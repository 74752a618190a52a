/** BSON bytes to exact JSON text, element by element, so that order, repeats and types show. */
import { Decimal128 } from 'bson';

export interface Element {
  readonly key: string;
  readonly type: number;
  readonly bytes: Buffer;
}

/** The elements of a document, in order. */
export function elementsOf(document: Buffer): Element[] {
  const list: Element[] = [];
  let at = 4;
  while (document[at] !== 0) {
    const type = document.readUInt8(at++);
    const end = document.indexOf(0, at);
    const key = document.toString('utf8', at, end);
    const size = valueSize(type, document, end + 1);
    list.push({ key, type, bytes: document.subarray(end + 1, end + 1 + size) });
    at = end + 1 + size;
  }
  return list;
}

const FIXED_SIZES: Readonly<Record<number, number>> = {
  0x01: 8,
  0x06: 0,
  0x07: 12,
  0x08: 1,
  0x09: 8,
  0x0a: 0,
  0x10: 4,
  0x11: 8,
  0x12: 8,
  0x13: 16,
  0x7f: 0,
  0xff: 0,
};

function valueSize(type: number, document: Buffer, at: number): number {
  const fixed = FIXED_SIZES[type];
  if (fixed !== undefined) return fixed;
  switch (type) {
    case 0x02:
    case 0x0d:
    case 0x0e:
      return 4 + document.readInt32LE(at);
    case 0x03:
    case 0x04:
    case 0x0f:
      return document.readInt32LE(at);
    case 0x05:
      return 5 + document.readInt32LE(at);
    case 0x0b:
      return document.indexOf(0, document.indexOf(0, at) + 1) + 1 - at;
    case 0x0c:
      return 4 + document.readInt32LE(at) + 12;
    default:
      throw new TypeError(`unknown BSON type 0x${type.toString(16)}`);
  }
}

const textIn = (bytes: Buffer): string => bytes.toString('utf8', 4, bytes.length - 1);

function doubleText(value: number): string {
  if (Object.is(value, -0)) return '-0.0';
  if (!Number.isFinite(value)) return `{"$numberDouble":"${value}"}`;
  const text = String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

function regexText(bytes: Buffer): string {
  const [pattern, options] = bytes.toString('utf8').split('\0');
  return `{"$regularExpression":{"pattern":${JSON.stringify(pattern)},"options":"${options}"}}`;
}

function scopedCodeText(bytes: Buffer): string {
  const codeEnd = 8 + bytes.readInt32LE(4);
  return `{"$code":${JSON.stringify(textIn(bytes.subarray(4, codeEnd)))},"$scope":${documentText(bytes.subarray(codeEnd))}}`;
}

const WRITERS: Readonly<Record<number, (bytes: Buffer) => string>> = {
  0x01: (bytes) => doubleText(bytes.readDoubleLE(0)),
  0x02: (bytes) => JSON.stringify(textIn(bytes)),
  0x03: documentText,
  0x04: (bytes) => `[${elementsOf(bytes).map(elementText).join(',')}]`,
  0x05: (bytes) => {
    const subType = bytes.readUInt8(4).toString(16).padStart(2, '0');
    return `{"$binary":{"base64":"${bytes.subarray(5).toString('base64')}","subType":"${subType}"}}`;
  },
  0x06: () => '{"$undefined":true}',
  0x07: (bytes) => `{"$oid":"${bytes.toString('hex')}"}`,
  0x08: (bytes) => (bytes[0] === 0 ? 'false' : 'true'),
  0x09: (bytes) => `{"$date":{"$numberLong":"${bytes.readBigInt64LE(0)}"}}`,
  0x0a: () => 'null',
  0x0b: regexText,
  0x0c: (bytes) => {
    const reference = JSON.stringify(textIn(bytes.subarray(0, -12)));
    return `{"$dbPointer":{"$ref":${reference},"$id":{"$oid":"${bytes.subarray(-12).toString('hex')}"}}}`;
  },
  0x0d: (bytes) => `{"$code":${JSON.stringify(textIn(bytes))}}`,
  0x0e: (bytes) => `{"$symbol":${JSON.stringify(textIn(bytes))}}`,
  0x0f: scopedCodeText,
  0x10: (bytes) => String(bytes.readInt32LE(0)),
  0x11: (bytes) => `{"$timestamp":{"t":${bytes.readUInt32LE(4)},"i":${bytes.readUInt32LE(0)}}}`,
  0x12: (bytes) => `{"$numberLong":"${bytes.readBigInt64LE(0)}"}`,
  0x13: (bytes) => `{"$numberDecimal":"${new Decimal128(Buffer.from(bytes)).toString()}"}`,
  0x7f: () => '{"$maxKey":1}',
  0xff: () => '{"$minKey":1}',
};

function elementText({ type, bytes }: Element): string {
  return valueText(type, bytes);
}

/** One value to text. */
export function valueText(type: number, bytes: Buffer): string {
  const write = WRITERS[type];
  if (write === undefined) throw new TypeError(`unknown BSON type ${type}`);
  return write(bytes);
}

/** A document to text. */
export function documentText(document: Buffer): string {
  return `{${elementsOf(document)
    .map((element) => `${JSON.stringify(element.key)}:${elementText(element)}`)
    .join(',')}}`;
}
