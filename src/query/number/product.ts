/** Products of many numbers, in the type that fits: int32, int64, double, or decimal from the first decimal on. */
import { BSON_TYPE, type ValueSpan } from '../../bson/types.ts';
import { numberOf, rawDouble, rawInt64, type RawValue } from '../../bson/value.ts';
import type { Decimal } from '../../bson/decimal128.ts';
import { intOrLong } from '../expression/build.ts';
import { widerType } from './arithmetic.ts';
import { decimalOf, decimalOfDouble, decimalOfInteger, multiplyDecimals, rawDecimal } from './decimal.ts';
import { coerceToLong, isInt64 } from './whole.ts';

export class Product {
  #type: number = BSON_TYPE.int32;
  /** The product while all were whole; means nothing after. */
  #whole = 1n;
  #double = 1;
  #decimal: Decimal = decimalOfInteger(1n);

  /**
   * `value` is a number. Throws 31109 for a finite double beyond int64, even where the product is a double already, as
   * the server does. Source: recorded replies.
   */
  multiplyBy(value: ValueSpan): void {
    const before = this.#type;
    this.#type = widerType(before, value.type);
    if (this.#type === BSON_TYPE.decimal128) {
      if (before !== BSON_TYPE.decimal128) {
        this.#decimal = before === BSON_TYPE.double ? decimalOfDouble(this.#double) : decimalOfInteger(this.#whole);
      }
      this.#decimal = multiplyDecimals(this.#decimal, decimalOf(value));
      return;
    }
    const factor = numberOf(value);
    this.#double *= factor;
    if (!Number.isFinite(factor)) {
      this.#type = BSON_TYPE.double;
      return;
    }
    const whole = this.#whole * coerceToLong(value);
    if (isInt64(whole)) this.#whole = whole;
    else this.#type = BSON_TYPE.double;
  }

  result(): RawValue {
    switch (this.#type) {
      case BSON_TYPE.decimal128:
        return rawDecimal(this.#decimal);
      case BSON_TYPE.double:
        return rawDouble(this.#double);
      case BSON_TYPE.int64:
        return rawInt64(this.#whole);
      default:
        return intOrLong(this.#whole);
    }
  }
}
