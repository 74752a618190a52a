/** Sums of many numbers: integers exactly, doubles with their rounding errors carried along, decimals as decimals. */
import { BSON_TYPE, type ValueSpan } from '../../bson/types.ts';
import { integerOf, numberOf, rawDouble, rawInt32, rawInt64, type RawValue } from '../../bson/value.ts';
import { int32At } from '../../bson/bytes.ts';
import {
  addDecimals,
  decimalOf,
  exactDecimalOfDouble,
  decimalOfInteger,
  divideDecimal,
  rawDecimal,
} from './decimal.ts';
import type { Decimal } from '../../bson/decimal128.ts';
import { widerType } from './arithmetic.ts';
import { roundedWhole } from './whole.ts';

const ZERO = decimalOfInteger(0n);

export class NumberSum {
  /** The widest type seen. */
  #type: number = BSON_TYPE.int32;
  /** Whole numbers are summed exactly, in a small number as long as it stays safe, then in a big one. */
  #small = 0;
  #large = 0n;
  readonly #doubles = new DoubleSum();
  #decimals: Decimal = ZERO;

  /** `value` is a number. */
  add(value: ValueSpan): void {
    this.#type = widerType(this.#type, value.type);
    switch (value.type) {
      case BSON_TYPE.int32:
        if (this.#doubles.isEmpty) this.#addSmall(int32At(value.bytes, value.start));
        else this.#doubles.add(int32At(value.bytes, value.start));
        break;
      case BSON_TYPE.int64:
        if (this.#doubles.isEmpty) this.#large += integerOf(value) ?? 0n;
        else this.#doubles.addInteger(integerOf(value) ?? 0n);
        break;
      case BSON_TYPE.double:
        if (this.#doubles.isEmpty) this.#moveIntegers();
        this.#doubles.add(numberOf(value));
        break;
      default:
        this.#decimals = addDecimals(this.#decimals, decimalOf(value));
    }
  }

  /** In the widest type seen; int32 becomes int64 and int64 becomes double when it does not fit. */
  result(): RawValue {
    if (this.#type === BSON_TYPE.decimal128) return rawDecimal(this.#decimalTotal());
    if (this.#type === BSON_TYPE.double) return rawDouble(this.#doubles.total());
    const total = this.#integers();
    if (this.#type === BSON_TYPE.int32 && BigInt.asIntN(32, total) === total) return rawInt32(Number(total));
    return BigInt.asIntN(64, total) === total ? rawInt64(total) : rawDouble(Number(total));
  }

  /** The sum divided by `count`: a decimal when one was seen, else a double. */
  average(count: number): RawValue {
    if (this.#type === BSON_TYPE.decimal128) return rawDecimal(divideDecimal(this.#decimalTotal(), BigInt(count)));
    const total = this.#doubles.isEmpty ? Number(this.#integers()) : this.#doubles.total();
    return rawDouble(total / count);
  }

  /**
   * The sum as a whole number: doubles cut off towards zero, decimals rounded. Undefined when it is not within int64.
   * Source: recorded replies.
   */
  whole(): bigint | undefined {
    const whole =
      this.#type === BSON_TYPE.decimal128
        ? roundedWhole(this.#decimalTotal())
        : wholeSum(this.#integers(), this.#doubles);
    return whole !== undefined && BigInt.asIntN(64, whole) === whole ? whole : undefined;
  }

  #addSmall(value: number): void {
    this.#small += value;
    if (Number.isSafeInteger(this.#small)) return;
    this.#large += BigInt(this.#small);
    this.#small = 0;
  }

  #integers(): bigint {
    return this.#large + BigInt(this.#small);
  }

  /** From the first double on everything but decimals is summed as doubles. */
  #moveIntegers(): void {
    const whole = this.#integers();
    this.#small = 0;
    this.#large = 0n;
    if (whole !== 0n) this.#doubles.addInteger(whole);
  }

  #decimalTotal(): Decimal {
    const others = addDecimals(decimalOfInteger(this.#integers()), this.#doubles.decimalTotal());
    return addDecimals(this.#decimals, others);
  }
}

function wholeSum(integers: bigint, doubles: DoubleSum): bigint | undefined {
  const [sum, error] = doubles.parts();
  if (!Number.isFinite(sum)) return undefined;
  const floor = Math.floor(sum);
  const errorFloor = Math.floor(error);
  const fraction = sum - floor + (error - errorFloor);
  const whole = integers + BigInt(floor) + BigInt(errorFloor);
  const isCut = whole < 0n && fraction % 1 > 0;
  return whole + BigInt(Math.floor(fraction)) + (isCut ? 1n : 0n);
}

/**
 * Two doubles hold the sum: its leading part, which is the result, and what was lost in the last addition, which goes
 * into the next one.
 */
class DoubleSum {
  #sum = 0;
  #error = 0;
  /** The plain sum, for infinities and NaN. */
  #plain = 0;
  isEmpty = true;

  add(value: number): void {
    this.isEmpty = false;
    this.#plain += value;
    const corrected = value + this.#error;
    const lost = lostIn(value, this.#error, corrected);
    const sum = this.#sum + corrected;
    this.#error = lostIn(this.#sum, corrected, sum) + lost;
    this.#sum = sum;
  }

  /** In two parts, each exact as a double. */
  addInteger(value: bigint): void {
    const low = BigInt.asIntN(32, value);
    this.add(Number(low));
    this.add(Number(value - low));
  }

  total(): number {
    return Number.isNaN(this.#sum) ? this.#plain : this.#sum;
  }

  parts(): readonly [sum: number, error: number] {
    return Number.isFinite(this.#sum) ? [this.#sum, this.#error] : [this.total(), 0];
  }

  decimalTotal(): Decimal {
    const [sum, error] = this.parts();
    return this.isEmpty ? ZERO : addDecimals(exactDecimalOfDouble(sum), exactDecimalOfDouble(error));
  }
}

/** The error of `sum`, which is a + b rounded. */
function lostIn(a: number, b: number, sum: number): number {
  const part = sum - a;
  return a - (sum - part) + (b - part);
}
