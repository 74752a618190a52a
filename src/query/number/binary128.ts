/**
 * Numbers of 113 bits. MongoDB computes functions of decimals in binary floating point of 128 bits: what comes out, and what
 * goes in, is rounded to it, so that the last of 34 digits may be another than that of the exact result.
 */

const PRECISION_BITS = 113;

/** `numerator / denominator`, both positive, rounded to 113 bits: `mantissa * 2^exponent`. */
export interface Binary128 {
  readonly mantissa: bigint;
  readonly exponent: number;
}

export function nearestBinary128(numerator: bigint, denominator: bigint): Binary128 {
  // One bit more than is kept.
  let shift = PRECISION_BITS + 1 - bitsOf(numerator) + bitsOf(denominator);
  let quotient = shiftedQuotient(numerator, denominator, shift);
  if (bitsOf(quotient) > PRECISION_BITS + 1) quotient = shiftedQuotient(numerator, denominator, --shift);
  const isExact = scaledUp(denominator * quotient, -shift) === scaledUp(numerator, shift);
  const isTieAtEven = isExact && (quotient & 3n) === 1n;
  return { mantissa: isTieAtEven ? quotient >> 1n : (quotient + 1n) >> 1n, exponent: 1 - shift };
}

/** The number times `scale`, cut to a whole one. */
export function scaledBinary128({ mantissa, exponent }: Binary128, scale: bigint): bigint {
  return exponent >= 0 ? (mantissa * scale) << BigInt(exponent) : (mantissa * scale) >> BigInt(-exponent);
}

function shiftedQuotient(numerator: bigint, denominator: bigint, shift: number): bigint {
  return scaledUp(numerator, shift) / scaledUp(denominator, -shift);
}

function scaledUp(value: bigint, shift: number): bigint {
  return shift > 0 ? value << BigInt(shift) : value;
}

function bitsOf(value: bigint): number {
  return value.toString(2).length;
}
