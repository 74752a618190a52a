/** Texts to numbers. Throws ConversionFailure for what is none: no white space, no other bases. */
import { CommandError } from '../../base/command_error.ts';
import type { Decimal } from '../../bson/decimal128.ts';
import { DECIMAL_NAN, DIGITS_MAX, EXPONENT_MIN, roundedDecimal } from './decimal.ts';

const NUMBER = /^([+-]?)(\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d+))?$/;
const SPECIAL = /^([+-]?)(?:(inf(?:inity)?)|nan)$/i;

function failure(text: string, reason: string): CommandError {
  return new CommandError(
    'ConversionFailure',
    `Failed to parse number '${text}' in $convert with no onError value: ${reason}`,
  );
}

/** Decimal digits with a sign at most; however large. */
export function parseWhole(text: string): bigint {
  if (!/^[+-]?\d+$/.test(text)) throw failure(text, 'Did not consume whole string.');
  return BigInt(text.replace(/^\+/, ''));
}

/** Numbers beyond doubles are no numbers, too large or too small. */
export function parseDouble(text: string): number {
  const special = SPECIAL.exec(text);
  if (special !== null) return specialDouble(special[1] === '-', special[2] !== undefined);
  const parts = NUMBER.exec(text);
  if (parts === null) throw failure(text, 'Did not consume whole string.');
  const value = Number(text);
  const isTooSmall = value === 0 && /[1-9]/.test(parts[2] ?? '');
  if (!Number.isFinite(value) || isTooSmall) throw failure(text, 'Out of range');
  return value;
}

function specialDouble(isNegative: boolean, isInfinite: boolean): number {
  if (!isInfinite) return Number.NaN;
  return isNegative ? -Infinity : Infinity;
}

/** Digits beyond 34 are cut off. Source: recorded replies. */
export function parseDecimal(text: string): Decimal {
  const special = SPECIAL.exec(text);
  if (special !== null) {
    const isInfinite = special[2] !== undefined;
    return isInfinite ? { kind: 'infinity', negative: special[1] === '-', coefficient: 0n, exponent: 0 } : DECIMAL_NAN;
  }
  const parts = NUMBER.exec(text);
  if (parts === null) throw failure(text, 'Failed to parse string to decimal');
  const [, sign, mantissa = '0', exponent = '0'] = parts;
  const [whole = '', fraction = ''] = mantissa.split('.');
  const power = Math.max(-100_000, Math.min(100_000, Number(exponent)));
  const digits = `${whole}${fraction}`.replace(/^0+(?=\d)/, '');
  const kept = digits.slice(0, DIGITS_MAX);
  const scale = power - fraction.length + (digits.length - kept.length);
  const decimal = roundedDecimal(sign === '-', BigInt(kept), scale);
  if (decimal.kind !== 'finite') throw failure(text, 'Conversion from string to decimal would overflow');
  const cut = EXPONENT_MIN - scale;
  if (cut > 0 && BigInt(kept) % 10n ** BigInt(Math.min(cut, DIGITS_MAX)) !== 0n) {
    throw failure(text, 'Conversion from string to decimal would underflow');
  }
  return decimal;
}
