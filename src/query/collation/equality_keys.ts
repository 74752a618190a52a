/**
 * Values in a form that is the same for values that are equal under a collation: what indexes list in place of strings.
 *
 * Strings of regular characters (see alphabet.ts) are replaced by one that stands for all their equals. A value with any
 * other string in it is *irregular*: it becomes a string behind all others, different from every other one, so that
 * whoever looks for equals looks among those too and compares them one by one.
 */
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, type ValueSpan } from '../../bson/types.ts';
import { rawArray, rawObject, rawString, stringOf, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { Collation } from '../collation.ts';
import { isCollatable, type ValueOrder } from '../value_order.ts';
import { Alphabet } from './alphabet.ts';
import { stringOrder } from './string_order.ts';
import { orderOf } from './value_order.ts';

/** Begins irregular strings: no regular character, and behind all of them. */
const IRREGULAR = '\u{10ffff}';

/** Where irregular values begin, and a place behind them: strings both. */
export const IRREGULAR_FROM: RawValue = rawString(IRREGULAR);
export const IRREGULAR_TO: RawValue = rawString(IRREGULAR.repeat(2));

/** Longer numbers are not compared as one by every collation. */
const DIGITS_MAX = 200;

export class EqualityKeys {
  readonly collation: Collation;
  #order: ValueOrder | undefined;
  /** Made with the first string: it takes some milliseconds. */
  #alphabet: Alphabet | undefined;

  constructor(collation: Collation) {
    this.collation = collation;
  }

  /** The order of the collation, which has the last word. */
  get order(): ValueOrder {
    this.#order ??= orderOf(this.collation);
    return this.#order;
  }

  /** The value as it is listed; itself when it holds no strings. Kept by the receiver. */
  of(value: ValueSpan): ValueSpan {
    if (!isCollatable(value)) return value;
    return this.regular(value) ?? irregularOf(value);
  }

  /** As `of`, but undefined for an irregular value. */
  regular(value: ValueSpan): ValueSpan | undefined {
    switch (value.type) {
      case BSON_TYPE.string:
      case BSON_TYPE.symbol: {
        const text = this.#canonical(stringOf(value));
        return text === undefined ? undefined : rawString(text);
      }
      case BSON_TYPE.object:
        return this.#container(value, rawObject);
      case BSON_TYPE.array:
        return this.#container(value, rawArray);
      default:
        return value;
    }
  }

  #container(value: ValueSpan, wrap: (document: Uint8Array) => RawValue): RawValue | undefined {
    const writer = new BsonWriter().startDocument();
    const reader = new ElementReader(value.bytes, value.start);
    while (reader.next()) {
      const inner = this.regular(reader);
      if (inner === undefined) return undefined;
      writer.value(reader.name(), inner);
    }
    return wrap(writer.endDocument().finish());
  }

  #canonical(text: string): string | undefined {
    const { strength, numericOrdering } = this.collation;
    if (strength === 5) return text.normalize('NFD');
    if (!numericOrdering) return this.#letters().canonical(text);
    if (LONG_NUMBER.test(text)) return undefined;
    return this.#letters().canonical(text.replaceAll(LEADING_ZEROS, ''));
  }

  #letters(): Alphabet {
    const letters: Collation = { ...this.collation, strength: 1, caseLevel: false, backwards: false };
    this.#alphabet ??= new Alphabet(stringOrder(this.collation), stringOrder(letters));
    return this.#alphabet;
  }
}

const LONG_NUMBER = new RegExp(`[0-9]{${DIGITS_MAX}}`);
const LEADING_ZEROS = /(?<![0-9])0+(?=[0-9])/g;

function irregularOf(value: ValueSpan): RawValue {
  let text = String.fromCodePoint(value.type);
  for (let at = value.start; at < value.end; at++) text += String.fromCodePoint(value.bytes[at] + 1);
  return rawString(IRREGULAR + text);
}
