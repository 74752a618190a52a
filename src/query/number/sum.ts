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
        this.#addSmall(int32At(value.bytes, value.start));
        break;
      case BSON_TYPE.int64:
        this.#large += integerOf(value) ?? 0n;
        break;
      case BSON_TYPE.double:
        this.#doubles.add(numberOf(value));
        break;
      default:
        this.#decimals = addDecimals(this.#decimals, decimalOf(value));
    }
  }

  /** In the widest type seen; int32 becomes int64 and int64 becomes double when it does not fit. */
  result(): RawValue {
    if (this.#type === BSON_TYPE.decimal128) return rawDecimal(this.#decimalTotal());
    if (this.#type === BSON_TYPE.double) return rawDouble(this.#doubleTotal());
    const total = this.#integers();
    if (this.#type === BSON_TYPE.int32 && BigInt.asIntN(32, total) === total) return rawInt32(Number(total));
    return BigInt.asIntN(64, total) === total ? rawInt64(total) : rawDouble(Number(total));
  }

  /** The sum divided by `count`: a decimal when one was seen, else a double. */
  average(count: number): RawValue {
    if (this.#type === BSON_TYPE.decimal128) return rawDecimal(divideDecimal(this.#decimalTotal(), BigInt(count)));
    return rawDouble(this.#doubleTotal() / count);
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

  #doubleTotal(): number {
    const sum = this.#doubles.copy();
    sum.addInteger(this.#integers());
    return sum.total();
  }

  #decimalTotal(): Decimal {
    const others = addDecimals(decimalOfInteger(this.#integers()), this.#doubles.decimalTotal());
    return addDecimals(this.#decimals, others);
  }
}

/** Two doubles hold the sum: its nearest double and the error. */
class DoubleSum {
  #sum = 0;
  #error = 0;
  /** The plain sum, for infinities and NaN. */
  #plain = 0;
  isEmpty = true;

  add(value: number): void {
    this.isEmpty = false;
    this.#plain += value;
    const sum = this.#sum + value;
    const part = sum - this.#sum;
    this.#error += this.#sum - (sum - part) + (value - part);
    this.#sum = sum;
  }

  /** In two parts, each exact as a double. */
  addInteger(value: bigint): void {
    const low = BigInt.asIntN(32, value);
    this.add(Number(value - low));
    this.add(Number(low));
  }

  total(): number {
    const total = this.#sum + this.#error;
    return Number.isNaN(total) ? this.#plain : total;
  }

  decimalTotal(): Decimal {
    if (this.isEmpty) return ZERO;
    if (!Number.isFinite(this.#sum)) return exactDecimalOfDouble(this.total());
    return addDecimals(exactDecimalOfDouble(this.#sum), exactDecimalOfDouble(this.#error));
  }

  copy(): DoubleSum {
    const copy = new DoubleSum();
    copy.#sum = this.#sum;
    copy.#error = this.#error;
    copy.#plain = this.#plain;
    copy.isEmpty = this.isEmpty;
    return copy;
  }
}
