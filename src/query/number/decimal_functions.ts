/**
 * Transcendental functions of decimals, in fixed point over bigints: 34 digits and some to spare. Plain series after
 * bringing the argument close to zero; decimals are rare, so this is made to be right rather than fast.
 */
import { digitsOf, numberOfDecimal, powerOfTen, type Decimal } from '../../bson/decimal128.ts';
import {
  addDecimals,
  DECIMAL_NAN,
  decimalOfInteger,
  DIGITS_MAX,
  divideDecimals,
  isZeroDecimal,
  multiplyDecimals,
  roundedDecimal,
} from './decimal.ts';
import { nearestBinary128, scaledBinary128 } from './binary128.ts';
import { negateDecimal, squareRootDecimal, subtractDecimals } from './decimal_operations.ts';

/** Digits after the point of the fixed-point numbers here. */
const PLACES = 60;
const ONE = powerOfTen(PLACES);
const DECIMAL_ONE = decimalOfInteger(1n);
const DECIMAL_TWO = decimalOfInteger(2n);
const INFINITE: Decimal = { kind: 'infinity', negative: false, coefficient: 0n, exponent: 0 };

/** Arguments of `e^x` beyond this leave the range of decimals. */
const EXPONENT_OF_E_MAX = 14_200;

const LN_TEN = lnNearOne(ONE + ONE / 4n) + 3n * lnOfTwo();
const PI = piTimes();

export const DECIMAL_PI: Decimal = fromFixed(PI);

export function expDecimal(x: Decimal): Decimal {
  if (x.kind === 'nan') return x;
  const near = numberOfDecimal(x);
  if (near > EXPONENT_OF_E_MAX) return INFINITE;
  if (near < -EXPONENT_OF_E_MAX) return { kind: 'finite', negative: false, coefficient: 0n, exponent: -6176 };
  if (isZeroDecimal(x)) return DECIMAL_ONE;
  const fixed = toFixed(x, PLACES);
  const tens = fixed / LN_TEN;
  const rest = fixed - tens * LN_TEN;
  const scale = Number(tens);
  const power = expSeries(rest);
  if (Math.abs(scale) > BINARY_MAGNITUDE_MAX) return scaledBy(fromFixed(power), scale);
  return throughBinary128(power * powerOfTen(Math.max(scale, 0)), ONE * powerOfTen(Math.max(-scale, 0)));
}

/** The natural logarithm of a positive decimal. */
export function lnDecimal(x: Decimal): Decimal {
  if (x.kind !== 'finite') return x;
  return fromFixed(lnOf(x));
}

/** In fixed point. */
function lnOf(x: Decimal): bigint {
  const digits = digitsOf(x.coefficient);
  const magnitude = digits + x.exponent - 1;
  // x = m * 10^magnitude with 1 <= m < 10
  const exact = x.coefficient * powerOfTen(PLACES - (digits - 1));
  const isNearOne = Math.abs(numberOfDecimal(x) - 1) < NEAR_ONE;
  const m = isNearOne || Math.abs(magnitude) > BINARY_MAGNITUDE_MAX ? exact : binaryArgument(x, magnitude);
  return lnFixed(m) + BigInt(magnitude) * LN_TEN;
}

/** How near to 1 the difference is what is rounded to 113 bits, and so is as good as exact. */
const NEAR_ONE = 0.125;

/** Powers of ten that the binary numbers hold. */
const BINARY_MAGNITUDE_MAX = 4900;

/** The argument as it is in 113 bits, over `10^magnitude`, in fixed point. */
function binaryArgument({ coefficient, exponent }: Decimal, magnitude: number): bigint {
  const numerator = coefficient * powerOfTen(Math.max(exponent, 0));
  const nearest = nearestBinary128(numerator, powerOfTen(Math.max(-exponent, 0)));
  const scaled = scaledBinary128(nearest, powerOfTen(PLACES + Math.max(-magnitude, 0)));
  return scaled / powerOfTen(Math.max(magnitude, 0));
}

export function log10Decimal(x: Decimal): Decimal {
  if (x.kind !== 'finite') return x;
  const text = x.coefficient.toString();
  if (/^10*$/.test(text)) return decimalOfInteger(BigInt(text.length - 1 + x.exponent));
  return fromFixed((lnOf(x) * ONE) / LN_TEN);
}

/** Zero to a negative power is the caller's to refuse. Finite results have all 34 digits, as the server's do. */
export function powerDecimal(base: Decimal, exponent: Decimal): Decimal {
  const power = powerOf(base, exponent);
  const padding = DIGITS_MAX - digitsOf(power.coefficient);
  if (power.kind !== 'finite' || isZeroDecimal(power) || padding === 0) return power;
  return { ...power, coefficient: power.coefficient * powerOfTen(padding), exponent: power.exponent - padding };
}

function powerOf(base: Decimal, exponent: Decimal): Decimal {
  if (isZeroDecimal(exponent)) return DECIMAL_ONE;
  if (base.kind === 'nan' || exponent.kind === 'nan') return DECIMAL_NAN;
  const whole = wholeOf(exponent);
  if (whole !== undefined && (whole < 0n ? -whole : whole) <= 10_000n) return wholePower(base, whole);
  const isLimit = base.kind === 'infinity' || exponent.kind === 'infinity' || isZeroDecimal(base);
  return isLimit ? powerAtLimits(base, exponent) : fractionalPower(base, exponent, whole);
}

function powerAtLimits(base: Decimal, exponent: Decimal): Decimal {
  const limit = Math.abs(numberOfDecimal(base)) ** numberOfDecimal(exponent);
  if (Number.isFinite(limit)) return decimalOfInteger(BigInt(limit));
  return Number.isNaN(limit) ? DECIMAL_NAN : INFINITE;
}

/** `whole`: the exponent, if it is one. */
function fractionalPower(base: Decimal, exponent: Decimal, whole: bigint | undefined): Decimal {
  if (base.negative && whole === undefined) return DECIMAL_NAN;
  const size = expDecimal(multiplyDecimals(lnDecimal({ ...base, negative: false }), exponent));
  return base.negative && whole !== undefined && (whole & 1n) === 1n ? negateDecimal(size) : size;
}

function wholePower(base: Decimal, exponent: bigint): Decimal {
  const size = exponent < 0n ? -exponent : exponent;
  if (base.kind === 'finite' && size * BigInt(digitsOf(base.coefficient)) <= EXACT_DIGITS_MAX) {
    return exactPower(base, Number(exponent));
  }
  let result = DECIMAL_ONE;
  let square = base;
  for (let rest = size; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = multiplyDecimals(result, square);
    if (rest > 1n) square = multiplyDecimals(square, square);
  }
  return exponent < 0n ? divideDecimals(DECIMAL_ONE, result) : result;
}

/** Powers with more digits are rounded on the way. */
const EXACT_DIGITS_MAX = 4000n;

/** Rounded once, at the end. */
function exactPower({ coefficient, exponent, negative }: Decimal, power: number): Decimal {
  const size = Math.abs(power);
  const isNegative = negative && size % 2 === 1;
  const digits = coefficient ** BigInt(size);
  if (power >= 0) return roundedDecimal(isNegative, digits, exponent * size);
  if (digits === 0n) return { ...INFINITE, negative: isNegative };
  const places = digitsOf(digits) + 2 * DIGITS_MAX;
  const quotient = powerOfTen(places) / digits;
  return roundedDecimal(isNegative, quotient, -places - exponent * size);
}

export function sinDecimal(x: Decimal): Decimal {
  if (x.kind !== 'finite' || isZeroDecimal(x)) return x.kind === 'finite' ? x : DECIMAL_NAN;
  return fromFixed(sinFixed(reduced(x)));
}

export function cosDecimal(x: Decimal): Decimal {
  if (x.kind !== 'finite') return DECIMAL_NAN;
  return isZeroDecimal(x) ? DECIMAL_ONE : fromFixed(sinFixed(reduced(x) + PI / 2n));
}

export function tanDecimal(x: Decimal): Decimal {
  return x.kind === 'finite' && !isZeroDecimal(x) ? divideDecimals(sinDecimal(x), cosDecimal(x)) : sinDecimal(x);
}

export function atanDecimal(x: Decimal): Decimal {
  if (x.kind === 'nan' || isZeroDecimal(x)) return x;
  if (x.kind === 'infinity') return fromFixed(x.negative ? -PI / 2n : PI / 2n);
  const size = { ...x, negative: false };
  const isLarge = numberOfDecimal(size) > 1;
  const fixed = toFixed(isLarge ? divideDecimals(DECIMAL_ONE, size) : size, PLACES);
  const angle = isLarge ? PI / 2n - atanFixed(fixed) : atanFixed(fixed);
  // Angles too small for fixed point are their own tangent.
  const result = angle === 0n ? size : fromFixed(angle);
  return { ...result, negative: x.negative };
}

export function asinDecimal(x: Decimal): Decimal {
  if (x.kind !== 'finite' || isZeroDecimal(x)) return x;
  const rest = subtractDecimals(DECIMAL_ONE, multiplyDecimals(x, x));
  if (isZeroDecimal(rest)) return fromFixed(x.negative ? -PI / 2n : PI / 2n);
  return atanDecimal(divideDecimals(x, squareRootDecimal(rest)));
}

export function acosDecimal(x: Decimal): Decimal {
  if (x.kind !== 'finite') return x;
  return subtractDecimals(fromFixed(PI / 2n), asinDecimal(x));
}

export function atan2Decimal(y: Decimal, x: Decimal): Decimal {
  if (x.kind === 'nan' || y.kind === 'nan') return DECIMAL_NAN;
  if (x.kind === 'infinity' || y.kind === 'infinity' || isZeroDecimal(x) || isZeroDecimal(y)) {
    return angleAtLimits(y, x);
  }
  const angle = atanDecimal(divideDecimals(y, x));
  if (!x.negative) return angle;
  return y.negative ? subtractDecimals(angle, DECIMAL_PI) : addDecimals(angle, DECIMAL_PI);
}

function angleAtLimits(y: Decimal, x: Decimal): Decimal {
  const near = Math.atan2(signedNumber(y), signedNumber(x));
  const eighths = Math.round((near / Math.PI) * 4);
  if (eighths === 0) return { kind: 'finite', negative: y.negative, coefficient: 0n, exponent: 0 };
  return fromFixed((PI * BigInt(eighths)) / 4n);
}

function signedNumber(x: Decimal): number {
  const size = x.kind === 'infinity' ? Infinity : isZeroDecimal(x) ? 0 : 1;
  return x.negative ? -size : size;
}

export function sinhDecimal(x: Decimal): Decimal {
  if (x.kind !== 'finite' || isZeroDecimal(x)) return x;
  return divideDecimals(subtractDecimals(expDecimal(x), expDecimal(negateDecimal(x))), DECIMAL_TWO);
}

export function coshDecimal(x: Decimal): Decimal {
  if (x.kind !== 'finite') return x.kind === 'nan' ? x : INFINITE;
  return divideDecimals(addDecimals(expDecimal(x), expDecimal(negateDecimal(x))), DECIMAL_TWO);
}

export function tanhDecimal(x: Decimal): Decimal {
  if (x.kind === 'nan' || isZeroDecimal(x)) return x;
  if (x.kind === 'infinity' || Math.abs(numberOfDecimal(x)) > 100) return { ...DECIMAL_ONE, negative: x.negative };
  return divideDecimals(sinhDecimal(x), coshDecimal(x));
}

export function asinhDecimal(x: Decimal): Decimal {
  if (x.kind !== 'finite' || isZeroDecimal(x)) return x;
  const size = { ...x, negative: false };
  const root = squareRootDecimal(addDecimals(multiplyDecimals(size, size), DECIMAL_ONE));
  return { ...lnDecimal(addDecimals(size, root)), negative: x.negative };
}

export function acoshDecimal(x: Decimal): Decimal {
  if (x.kind !== 'finite') return x;
  const root = squareRootDecimal(subtractDecimals(multiplyDecimals(x, x), DECIMAL_ONE));
  return lnDecimal(addDecimals(x, root));
}

export function atanhDecimal(x: Decimal): Decimal {
  if (x.kind !== 'finite' || isZeroDecimal(x)) return x;
  const below = subtractDecimals(DECIMAL_ONE, x);
  if (isZeroDecimal(below)) return INFINITE;
  const above = addDecimals(DECIMAL_ONE, x);
  if (isZeroDecimal(above)) return { ...INFINITE, negative: true };
  return divideDecimals(lnDecimal(divideDecimals(above, below)), DECIMAL_TWO);
}

/** The value of a whole decimal that is not absurdly large. */
function wholeOf(x: Decimal): bigint | undefined {
  if (x.kind !== 'finite' || x.exponent > 40) return undefined;
  const size = x.exponent >= 0 ? x.coefficient * powerOfTen(x.exponent) : x.coefficient / powerOfTen(-x.exponent);
  if (x.exponent < 0 && size * powerOfTen(-x.exponent) !== x.coefficient) return undefined;
  return x.negative ? -size : size;
}

/** Cut to `places` digits after the point. */
function toFixed(x: Decimal, places: number): bigint {
  const shift = x.exponent + places;
  const size = shift >= 0 ? x.coefficient * powerOfTen(shift) : x.coefficient / powerOfTen(-shift);
  return x.negative ? -size : size;
}

function fromFixed(value: bigint): Decimal {
  if (value === 0n) return decimalOfInteger(0n);
  const negative = value < 0n;
  return { ...throughBinary128(negative ? -value : value, ONE), negative };
}

/** A positive quotient. */
function throughBinary128(numerator: bigint, denominator: bigint): Decimal {
  const { mantissa, exponent } = nearestBinary128(numerator, denominator);
  return exponent >= 0
    ? roundedDecimal(false, mantissa << BigInt(exponent), 0)
    : roundedDecimal(false, mantissa * 5n ** BigInt(-exponent), exponent);
}

function scaledBy(x: Decimal, exponent: number): Decimal {
  return roundedDecimal(x.negative, x.coefficient, x.exponent + exponent);
}

function times(a: bigint, b: bigint): bigint {
  return (a * b) / ONE;
}

/** e^x for a small x: halved until it is tiny, and squared again. */
function expSeries(x: bigint): bigint {
  const halvings = 12n;
  const small = x >> halvings;
  let sum = ONE;
  let term = ONE;
  for (let n = 1n; term !== 0n && n < 100n; n++) {
    term = times(term, small) / n;
    sum += term;
  }
  for (let i = 0n; i < halvings; i++) sum = times(sum, sum);
  return sum;
}

/** ln m for 1 <= m < 10: square roots bring it close to 1. */
function lnFixed(m: bigint): bigint {
  let near = m;
  let factor = 1n;
  while (near > ONE + ONE / 10n) {
    near = fixedSquareRoot(near);
    factor *= 2n;
  }
  return factor * lnNearOne(near);
}

function fixedSquareRoot(x: bigint): bigint {
  const value = x * ONE;
  let root = value;
  for (let next = ONE * 4n; next < root; next = (root + value / root) >> 1n) root = next;
  return root;
}

/** ln x = 2 artanh((x - 1) / (x + 1)). */
function lnNearOne(x: bigint): bigint {
  const ratio = ((x - ONE) * ONE) / (x + ONE);
  const square = times(ratio, ratio);
  let sum = 0n;
  for (let term = ratio, n = 1n; term !== 0n; n += 2n, term = times(term, square)) sum += term / n;
  return sum * 2n;
}

function lnOfTwo(): bigint {
  return lnNearOne(2n * ONE);
}

/** Machin: pi = 16 atan(1/5) - 4 atan(1/239). */
function piTimes(): bigint {
  return 16n * atanFixed(ONE / 5n) - 4n * atanFixed(ONE / 239n);
}

/** For 0 <= x <= 1. */
function atanFixed(x: bigint): bigint {
  let near = x;
  let factor = 1n;
  while (near > ONE / 8n) {
    near = (near * ONE) / (ONE + fixedSquareRoot(ONE + times(near, near)));
    factor *= 2n;
  }
  const square = times(near, near);
  let sum = 0n;
  for (let term = near, n = 1n, sign = 1n; term !== 0n; n += 2n, sign = -sign, term = times(term, square)) {
    sum += (sign * term) / n;
  }
  return factor * sum;
}

/** The angle within one turn of zero. Huge arguments lose their digits, as their spacing is beyond a turn. */
function reduced(x: Decimal): bigint {
  return toFixed(x, PLACES) % (2n * PI);
}

function sinFixed(x: bigint): bigint {
  const turn = 2n * PI;
  let angle = x % turn;
  if (angle > PI) angle -= turn;
  if (angle < -PI) angle += turn;
  const square = times(angle, angle);
  let sum = 0n;
  for (let term = angle, n = 1n; term !== 0n; n += 2n) {
    sum += term;
    term = -times(term, square) / ((n + 1n) * (n + 2n));
  }
  return sum;
}
