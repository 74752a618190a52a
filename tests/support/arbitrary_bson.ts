/**
 * Random BSON values with a model of each: an obvious, slow description that order can be computed from independently
 * of the code under test. Bytes of leaves come from the package `bson` where it can write the type.
 */
import {
  BSONRegExp,
  BSONSymbol,
  Binary,
  Code,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  serialize,
  Timestamp,
} from 'bson';
import fc from 'fast-check';
import { BSON_TYPE } from '../../src/bson/types.ts';
import { RawValue } from '../../src/bson/value.ts';

/** An exact number: numerator / denominator, the denominator positive. */
export interface Fraction {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** What a value means, as far as order goes. `rank` is the place of its type in MongoDB's order. */
export type Model =
  | { readonly kind: 'constant'; readonly rank: number }
  | { readonly kind: 'number'; readonly rank: number; readonly special: -2 | -1 | 0 | 1; readonly fraction: Fraction }
  | { readonly kind: 'bytes'; readonly rank: number; readonly parts: readonly Uint8Array[] }
  | { readonly kind: 'integer'; readonly rank: number; readonly integer: bigint }
  | { readonly kind: 'list'; readonly rank: number; readonly items: readonly ModelField[] };

export interface ModelField {
  readonly name: string;
  readonly model: Model;
}

/** A value in bytes and in meaning. */
export interface Sample {
  readonly raw: RawValue;
  readonly model: Model;
  /** What is in it: of objects and arrays, whose names are indexes. */
  readonly fields?: readonly NamedSample[];
}

const ZERO: Fraction = { numerator: 0n, denominator: 1n };
const RANK = {
  minKey: 0,
  undefined: 1,
  null: 2,
  number: 3,
  string: 4,
  object: 5,
  array: 6,
  binData: 7,
  objectId: 8,
  bool: 9,
  date: 10,
  timestamp: 11,
  regex: 12,
  dbPointer: 13,
  javascript: 14,
  scope: 15,
  maxKey: 16,
} as const;

/** The reference: negative, zero or positive. */
export function compareModels(a: Model, b: Model): number {
  if (a.rank !== b.rank) return a.rank - b.rank;
  if (a.kind === 'number' && b.kind === 'number') {
    if (a.special !== 0 || b.special !== 0) return a.special - b.special;
    return compareBigints(a.fraction.numerator * b.fraction.denominator, b.fraction.numerator * a.fraction.denominator);
  }
  if (a.kind === 'integer' && b.kind === 'integer') return compareBigints(a.integer, b.integer);
  if (a.kind === 'bytes' && b.kind === 'bytes') {
    const differences = a.parts.map((part, i) => Buffer.compare(part, b.parts[i]));
    return differences.find((difference) => difference !== 0) ?? 0;
  }
  if (a.kind === 'list' && b.kind === 'list') return compareLists(a.items, b.items, a.rank !== RANK.array);
  return 0;
}

function compareLists(a: readonly ModelField[], b: readonly ModelField[], withNames: boolean): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const rank = a[i].model.rank - b[i].model.rank;
    if (rank !== 0) return rank;
    const name = withNames ? Buffer.compare(Buffer.from(a[i].name), Buffer.from(b[i].name)) : 0;
    if (name !== 0) return name;
    const value = compareModels(a[i].model, b[i].model);
    if (value !== 0) return value;
  }
  return a.length - b.length;
}

function compareBigints(a: bigint, b: bigint): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The bytes the package `bson` writes for a value, behind some others so that offsets are not all zero. */
export function rawFromPackage(value: unknown): RawValue {
  const bytes = new Uint8Array(serialize({ v: value }));
  return new RawValue(bytes[4], bytes, 7, bytes.length - 1);
}

function handMade(type: number, payload: Uint8Array): RawValue {
  const bytes = Buffer.concat([Uint8Array.of(9, 9, 9), payload, Uint8Array.of(9)]);
  return new RawValue(type, new Uint8Array(bytes), 3, 3 + payload.length);
}

function int32Bytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value, true);
  return bytes;
}

// Numbers

/** The exact value of a finite double. */
export function fractionOfDouble(double: number): Fraction {
  let numerator = double;
  let denominator = 1n;
  while (!Number.isInteger(numerator)) {
    numerator *= 2;
    denominator *= 2n;
  }
  return { numerator: BigInt(numerator), denominator };
}

function fractionOfDecimalText(text: string): Fraction {
  const match = /^(-?)(\d*)\.?(\d*)(?:E([+-]?\d+))?$/.exec(text);
  if (match === null) throw new Error(`${text} is not a decimal`);
  const [, minus, whole, fraction, power = '0'] = match;
  const exponent = Number(power) - fraction.length;
  const digits = BigInt(`${minus}${whole}${fraction}`);
  return exponent >= 0
    ? { numerator: digits * 10n ** BigInt(exponent), denominator: 1n }
    : { numerator: digits, denominator: 10n ** BigInt(-exponent) };
}

function numberModel(special: -2 | -1 | 0 | 1, fraction = ZERO): Model {
  return { kind: 'number', rank: RANK.number, special, fraction };
}

export function doubleSample(double: number): Sample {
  return { raw: rawFromPackage(new Double(double)), model: doubleModel(double) };
}

function doubleModel(double: number): Model {
  if (Number.isNaN(double)) return numberModel(-2);
  if (!Number.isFinite(double)) return numberModel(double > 0 ? 1 : -1);
  return numberModel(0, fractionOfDouble(double));
}

export function decimalSample(text: string): Sample {
  const decimal = Decimal128.fromStringWithRounding(text);
  const exact = decimal.toString();
  const raw = rawFromPackage(decimal);
  if (exact === 'NaN') return { raw, model: numberModel(-2) };
  if (exact.endsWith('Infinity')) return { raw, model: numberModel(exact.startsWith('-') ? -1 : 1) };
  return { raw, model: numberModel(0, fractionOfDecimalText(exact)) };
}

export function int64Sample(value: bigint): Sample {
  return {
    raw: rawFromPackage(Long.fromBigInt(value)),
    model: numberModel(0, { numerator: value, denominator: 1n }),
  };
}

export function int32Sample(value: number): Sample {
  return {
    raw: rawFromPackage(new Int32(value)),
    model: numberModel(0, { numerator: BigInt(value), denominator: 1n }),
  };
}

function nextDouble(double: number, steps: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, double);
  view.setBigInt64(0, view.getBigInt64(0) + BigInt(steps));
  return view.getFloat64(0);
}

/** The decimal that a double is cut off to after `digits` digits, which is next to it but seldom equal. */
function decimalTextNear(double: number, digits: number): string {
  return Number.isFinite(double) ? double.toPrecision(digits) : String(double);
}

const specialDoubles = fc.constantFrom(
  0,
  -0,
  0.1,
  0.5,
  1,
  1.5,
  2 ** 31,
  2 ** 32,
  2 ** 52,
  2 ** 52 + 0.5,
  2 ** 53,
  2 ** 62,
  2 ** 63,
  2 ** 64,
  1e15,
  1e19,
  1e22,
  1e23,
  1e-5,
  0.3,
  19.99,
  Number.MAX_VALUE,
  Number.MIN_VALUE,
  2 ** -1022,
  Infinity,
  Number.NaN,
);

const doubles = fc
  .tuple(fc.oneof(specialDoubles, fc.double()), fc.constantFrom(0, 0, 1, -1), fc.boolean())
  .map(([double, steps, negative]) => {
    const stepped =
      Number.isFinite(double) && double !== 0 && Math.abs(double) < 1e308 ? nextDouble(double, steps) : double;
    return negative ? -stepped : stepped;
  });

const specialIntegers = fc
  .tuple(
    fc.constantFrom(0n, 1n, 2n ** 7n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 54n, 2n ** 62n, 2n ** 63n, 10n ** 18n),
    fc.bigInt({ min: -3n, max: 3n }),
    fc.boolean(),
  )
  .map(([base, offset, negative]) => BigInt.asIntN(64, (base + offset) * (negative ? -1n : 1n)));

const int64s = fc.oneof(specialIntegers, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt(-50n, 50n));
const int32s = fc.oneof(fc.integer(), fc.integer({ min: -300, max: 300 }), fc.constantFrom(2 ** 31 - 1, -(2 ** 31)));

const decimalTexts = fc.oneof(
  doubles.map(String),
  int64s.map(String),
  fc.tuple(int64s, fc.stringMatching(/^[0-9]{1,20}$/)).map(([whole, fraction]) => `${whole}.${fraction}`),
  fc.tuple(doubles, fc.integer({ min: 15, max: 34 })).map(([double, digits]) => decimalTextNear(double, digits)),
  fc
    .tuple(fc.bigInt({ min: -(10n ** 34n) + 1n, max: 10n ** 34n - 1n }), fc.integer({ min: -6176, max: 6111 }))
    .map(([coefficient, exponent]) => `${coefficient}E${exponent}`),
  fc
    .tuple(fc.bigInt({ min: -200n, max: 200n }), fc.integer({ min: -40, max: 40 }))
    .map(([coefficient, exponent]) => `${coefficient}E${exponent}`),
  fc.constantFrom(
    'NaN',
    'Infinity',
    '-Infinity',
    '0',
    '-0',
    '0E+10',
    '0E-6176',
    '1',
    '1.0',
    '1.00',
    '1E+6144',
    '1E-6176',
    '4.9E-324',
    '5E-324',
    '2.4703282292062327208E-324',
    '1.7976931348623157E+308',
    '1.797693134862315708145274237317043E+308',
    '1.797693134862315708145274237317044E+308',
    '1.8E+308',
    '9223372036854775807.5',
    '9223372036854775808',
    '-9223372036854775808',
    '-9223372036854775808.5',
    '0.9999999999999999999999999999999999',
    '0.1',
    '19.99',
    '0.10',
  ),
);

/** Numbers of all four types, crowded around the places where types differ in what they can hold. */
export const numberSamples: fc.Arbitrary<Sample> = fc.oneof(
  doubles.map(doubleSample),
  int64s.map(int64Sample),
  int32s.map(int32Sample),
  decimalTexts.map(decimalSample),
);

/** The decimal with `digits` digits that a fraction is cut off to, moved by `offset` units in its last place. */
function decimalTextOf(fraction: Fraction, digits: number, offset: bigint): string {
  const { numerator, denominator } = fraction;
  const magnitude = numerator < 0n ? -numerator : numerator;
  const exponent = magnitude.toString().length - denominator.toString().length - digits;
  const scaled =
    exponent >= 0
      ? magnitude / denominator / 10n ** BigInt(exponent)
      : (magnitude * 10n ** BigInt(-exponent)) / denominator;
  return `${numerator < 0n ? '-' : ''}${scaled + offset}E${exponent}`;
}

/** Two numbers that are the same or next to each other, of any types that can hold such. */
export const nearNumberPairs: fc.Arbitrary<readonly [Sample, Sample]> = fc
  .tuple(
    fc.oneof(doubles, int64s.map(Number)).filter((double) => Number.isFinite(double) && double !== 0),
    fc.integer({ min: 1, max: 34 }),
    fc.bigInt({ min: -1n, max: 1n }),
    fc.constantFrom(0, 1, -1),
    fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 3 })),
  )
  .map(([double, digits, offset, steps, [left, right]]) => {
    const exact = fractionOfDouble(double);
    const stepped = Math.abs(double) < 1e308 ? nextDouble(double, steps) : double;
    const near = [
      doubleSample(double),
      doubleSample(stepped),
      decimalSample(decimalTextOf(exact, digits, offset)),
      int64Sample(BigInt.asIntN(64, exact.numerator / exact.denominator + offset)),
    ];
    return [near[left], near[right]];
  });

// Other types

const texts = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.string({ unit: 'grapheme', maxLength: 4 }),
  fc.string({ unit: fc.constantFrom('\0', '\x01', '\x02', 'a', 'b', '\xff', '\u{10ffff}'), maxLength: 5 }),
);
const names = texts.map((text) => text.replaceAll('\0', 'n'));
const smallBytes = fc.oneof(
  fc.uint8Array({ maxLength: 6 }),
  fc.array(fc.constantFrom(0, 1, 254, 255), { maxLength: 4 }).map((list) => Uint8Array.from(list)),
  fc.constantFrom(254, 255, 256, 300).map((length) => new Uint8Array(length).fill(7)),
);
const objectIds = fc.uint8Array({ minLength: 12, maxLength: 12 });
const uint32s = fc.oneof(fc.nat({ max: 3 }), fc.constantFrom(0x7fff_ffff, 0x8000_0000, 0xffff_ffff));

function utf8(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text));
}

function bytesSample(rank: number, raw: RawValue, ...parts: Uint8Array[]): Sample {
  return { raw, model: { kind: 'bytes', rank, parts } };
}

function bigEndian(value: number): Uint8Array {
  return int32Bytes(value).reverse();
}

/** All types that are no numbers and hold no other values. */
export const plainSamples: fc.Arbitrary<Sample> = fc.oneof(
  fc.constant<Sample>({ raw: rawFromPackage(new MinKey()), model: { kind: 'constant', rank: RANK.minKey } }),
  fc.constant<Sample>({ raw: rawFromPackage(new MaxKey()), model: { kind: 'constant', rank: RANK.maxKey } }),
  fc.constant<Sample>({ raw: rawFromPackage(null), model: { kind: 'constant', rank: RANK.null } }),
  fc.constant<Sample>({
    raw: handMade(BSON_TYPE.undefined, new Uint8Array(0)),
    model: { kind: 'constant', rank: RANK.undefined },
  }),
  texts.map((text) => bytesSample(RANK.string, rawFromPackage(text), utf8(text))),
  texts.map((text) => bytesSample(RANK.string, rawFromPackage(new BSONSymbol(text)), utf8(text))),
  texts.map((text) => bytesSample(RANK.javascript, rawFromPackage(new Code(text)), utf8(text))),
  fc
    .tuple(smallBytes, fc.constantFrom(0, 1, 3, 4, 5, 128))
    .map(([data, subtype]) =>
      bytesSample(
        RANK.binData,
        rawFromPackage(new Binary(data, subtype)),
        bigEndian(data.length),
        Uint8Array.of(subtype),
        data,
      ),
    ),
  objectIds.map((id) => bytesSample(RANK.objectId, rawFromPackage(new ObjectId(id)), id)),
  fc.boolean().map((value) => bytesSample(RANK.bool, rawFromPackage(value), Uint8Array.of(value ? 1 : 0))),
  fc.oneof(fc.integer({ min: -8.64e15, max: 8.64e15 }), fc.integer({ min: -3, max: 3 })).map((time): Sample => ({
    raw: rawFromPackage(new Date(time)),
    model: { kind: 'integer', rank: RANK.date, integer: BigInt(time) },
  })),
  fc.tuple(uint32s, uint32s).map(([t, i]): Sample => ({
    raw: rawFromPackage(new Timestamp({ t, i })),
    model: { kind: 'integer', rank: RANK.timestamp, integer: BigInt(t) * 2n ** 32n + BigInt(i) },
  })),
  fc
    .tuple(names, fc.constantFrom('', 'i', 'im', 'x'))
    .map(([pattern, options]) =>
      bytesSample(RANK.regex, rawFromPackage(new BSONRegExp(pattern, options)), utf8(pattern), utf8(options)),
    ),
  fc.tuple(names, objectIds).map(([ns, id]) => {
    const text = utf8(ns);
    const payload = Buffer.concat([int32Bytes(text.length + 1), text, Uint8Array.of(0), id]);
    return bytesSample(RANK.dbPointer, handMade(BSON_TYPE.dbPointer, payload), bigEndian(text.length), text, id);
  }),
);

export interface NamedSample {
  readonly name: string;
  readonly sample: Sample;
}

function assemble(fields: readonly NamedSample[]): Uint8Array {
  const parts = fields.map(({ name, sample: { raw } }) =>
    Buffer.concat([Uint8Array.of(raw.type), utf8(name), Uint8Array.of(0), raw.bytes.subarray(raw.start, raw.end)]),
  );
  const size = parts.reduce((sum, part) => sum + part.length, 5);
  return new Uint8Array(Buffer.concat([int32Bytes(size), ...parts, Uint8Array.of(0)]));
}

function listModel(rank: number, fields: readonly NamedSample[]): Model {
  return { kind: 'list', rank, items: fields.map(({ name, sample }) => ({ name, model: sample.model })) };
}

export function arraySample(items: readonly Sample[]): Sample {
  const fields = items.map((sample, i) => ({ name: String(i), sample }));
  return { raw: handMade(BSON_TYPE.array, assemble(fields)), model: listModel(RANK.array, fields), fields };
}

export function objectSample(fields: readonly NamedSample[]): Sample {
  return { raw: handMade(BSON_TYPE.object, assemble(fields)), model: listModel(RANK.object, fields), fields };
}

function scopeSample(code: string, fields: readonly NamedSample[]): Sample {
  const scope = assemble(fields);
  const text = utf8(code);
  const size = 4 + 4 + text.length + 1 + scope.length;
  const payload = Buffer.concat([int32Bytes(size), int32Bytes(text.length + 1), text, Uint8Array.of(0), scope]);
  const items: ModelField[] = [
    { name: '', model: { kind: 'bytes', rank: RANK.string, parts: [text] } },
    { name: '', model: listModel(RANK.object, fields) },
  ];
  return { raw: handMade(BSON_TYPE.javascriptWithScope, payload), model: { kind: 'list', rank: RANK.scope, items } };
}

/** Values of all types, nested a few levels. Names may repeat within a document. */
export const valueSamples: fc.Arbitrary<Sample> = fc.letrec<{ value: Sample; fields: NamedSample[] }>((tie) => ({
  fields: fc.array(fc.record({ name: fc.oneof(fc.constantFrom('a', 'b', ''), names), sample: tie('value') }), {
    maxLength: 3,
  }),
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    { weight: 6, arbitrary: fc.oneof(numberSamples, plainSamples) },
    { weight: 1, arbitrary: tie('fields').map(objectSample) },
    { weight: 1, arbitrary: fc.array(tie('value'), { maxLength: 3 }).map(arraySample) },
    { weight: 1, arbitrary: fc.tuple(texts, tie('fields')).map(([code, fields]) => scopeSample(code, fields)) },
  ),
})).value;

/** A whole document of random values, in bytes, with the names in order. */
export const documentSamples: fc.Arbitrary<{ bytes: Uint8Array; fields: readonly NamedSample[] }> = fc
  .array(fc.record({ name: names, sample: valueSamples }), { maxLength: 6 })
  .map((fields) => ({ bytes: assemble(fields), fields }));
