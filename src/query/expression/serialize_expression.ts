/**
 * Expressions in the form in which explain shows them: constants in `$const`, operands in a list, operators that are
 * short for others written out, and what does not depend on the document already computed.
 */
import { BSON_TYPE } from '../../bson/types.ts';
import { ElementReader } from '../../bson/elements.ts';
import { rawArray, rawObject, rawString, stringOf, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { Expression, ExpressionScope } from '../expression.ts';

/** `scope` tells what is constant. The expression was found to be right before. */
export function serializeExpression(operand: RawValue, scope: ExpressionScope): RawValue {
  return new Serializer(scope).expression(operand);
}

/** Operands that are no expressions, by operator. */
const PLAIN_OPERANDS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['$filter', new Set(['as'])],
  ['$map', new Set(['as'])],
  ['$median', new Set(['method'])],
  ['$percentile', new Set(['method'])],
  ['$sortArray', new Set(['sortBy'])],
  ['$top', new Set(['sortBy'])],
  ['$topN', new Set(['sortBy'])],
  ['$bottom', new Set(['sortBy'])],
  ['$bottomN', new Set(['sortBy'])],
  ['$zip', new Set(['useLongestLength'])],
]);

/** Operators whose operand is shown as it was given. */
const PLAIN: ReadonlySet<string> = new Set(['$function', '$meta', '$rand']);

/** Short forms of `$convert`. */
const CONVERSIONS: ReadonlyMap<string, string> = new Map([
  ['$toBool', 'bool'],
  ['$toDate', 'date'],
  ['$toDecimal', 'decimal'],
  ['$toDouble', 'double'],
  ['$toInt', 'int'],
  ['$toLong', 'long'],
  ['$toObjectId', 'objectId'],
  ['$toString', 'string'],
]);

const DATE_PARTS: ReadonlySet<string> = new Set([
  '$dayOfMonth',
  '$dayOfWeek',
  '$dayOfYear',
  '$hour',
  '$isoDayOfWeek',
  '$isoWeek',
  '$isoWeekYear',
  '$millisecond',
  '$minute',
  '$month',
  '$second',
  '$week',
  '$year',
]);

class Serializer {
  readonly #scope: ExpressionScope;

  constructor(scope: ExpressionScope) {
    this.#scope = scope;
  }

  expression(operand: RawValue): RawValue {
    const constant = this.#constantOf(operand);
    if (constant === 'missing') return rawString('$$REMOVE');
    if (constant !== undefined) return objectOf('$const', constant);
    if (operand.type === BSON_TYPE.string) return pathOf(operand);
    if (operand.type === BSON_TYPE.array) return this.#list(operand);
    return this.#object(operand);
  }

  #constantOf(operand: RawValue): RawValue | 'missing' | undefined {
    const compiled = this.#compiled(operand);
    if (compiled?.isMissing === true) return 'missing';
    return compiled?.constant;
  }

  /** Undefined inside operators that bind variables, which only they know. */
  #compiled(operand: RawValue): Expression | undefined {
    try {
      return this.#scope.compile(operand);
    } catch {
      return isLiteral(operand) ? { constant: operand, evaluate: () => operand } : undefined;
    }
  }

  #list(operand: RawValue): RawValue {
    const writer = new BsonWriter().startDocument();
    const items = new ElementReader(operand.bytes, operand.start);
    for (let i = 0; items.next(); i++) writer.value(i, this.expression(items.value()));
    return rawArray(writer.endDocument().finish());
  }

  #object(operand: RawValue): RawValue {
    const reader = new ElementReader(operand.bytes, operand.start);
    reader.next();
    const name = reader.name();
    return name.startsWith('$') ? this.#operator(name, reader.value()) : this.#fields(operand);
  }

  #fields(operand: RawValue, plain?: ReadonlySet<string>): RawValue {
    const writer = new BsonWriter().startDocument();
    const reader = new ElementReader(operand.bytes, operand.start);
    while (reader.next()) {
      const name = reader.name();
      writer.value(name, plain?.has(name) === true ? reader.value() : this.expression(reader.value()));
    }
    return rawObject(writer.endDocument().finish());
  }

  #operator(name: string, operand: RawValue): RawValue {
    if (PLAIN.has(name)) return objectOf(name, operand);
    const target = CONVERSIONS.get(name);
    if (target !== undefined) return this.#conversion(only(operand), target);
    if (name === '$let') return objectOf(name, this.#let(operand));
    if (name === '$switch') return objectOf(name, this.#switch(operand));
    if (name === '$cond') return objectOf(name, this.#condition(operand));
    if (DATE_PARTS.has(name)) return objectOf(name, this.#datePart(operand));
    if (operand.type === BSON_TYPE.object && isNamed(operand)) {
      return objectOf(name, this.#fields(operand, PLAIN_OPERANDS.get(name)));
    }
    if (operand.type === BSON_TYPE.array) return objectOf(name, this.#list(operand));
    const one = new BsonWriter().startDocument().value(0, this.expression(operand)).endDocument().finish();
    return objectOf(name, rawArray(one));
  }

  #conversion(input: RawValue, target: string): RawValue {
    const writer = new BsonWriter().startDocument().value('input', this.expression(input));
    writer.value('to', objectOf('$const', rawString(target)));
    return objectOf('$convert', rawObject(writer.endDocument().finish()));
  }

  #let(operand: RawValue): RawValue {
    const writer = new BsonWriter().startDocument();
    const reader = new ElementReader(operand.bytes, operand.start);
    while (reader.next()) {
      const value = reader.value();
      writer.value(reader.name(), reader.name() === 'vars' ? this.#fields(value) : this.expression(value));
    }
    return rawObject(writer.endDocument().finish());
  }

  #switch(operand: RawValue): RawValue {
    const writer = new BsonWriter().startDocument();
    const reader = new ElementReader(operand.bytes, operand.start);
    while (reader.next()) {
      if (reader.name() !== 'branches') {
        writer.value(reader.name(), this.expression(reader.value()));
        continue;
      }
      writer.startArray('branches');
      const branches = new ElementReader(reader.bytes, reader.start);
      for (let i = 0; branches.next(); i++) writer.value(i, this.#fields(branches.value()));
      writer.end();
    }
    return rawObject(writer.endDocument().finish());
  }

  /** Named operands become a list. */
  #condition(operand: RawValue): RawValue {
    if (operand.type === BSON_TYPE.array) return this.#list(operand);
    const named = new Map<string, RawValue>();
    const reader = new ElementReader(operand.bytes, operand.start);
    while (reader.next()) named.set(reader.name(), this.expression(reader.value()));
    const writer = new BsonWriter().startDocument();
    for (const [i, name] of ['if', 'then', 'else'].entries()) {
      const part = named.get(name);
      if (part !== undefined) writer.value(i, part);
    }
    return rawArray(writer.endDocument().finish());
  }

  #datePart(operand: RawValue): RawValue {
    const inner = only(operand);
    if (inner.type === BSON_TYPE.object && isNamed(inner)) return this.#fields(inner);
    return objectOf('date', this.expression(inner));
  }
}

function objectOf(name: string, value: RawValue): RawValue {
  return rawObject(new BsonWriter().startDocument().value(name, value).endDocument().finish());
}

/** A path below the current document is written from it. */
function pathOf(operand: RawValue): RawValue {
  const text = stringOf(operand);
  return text.startsWith('$$CURRENT.') ? rawString(`$${text.slice('$$CURRENT.'.length)}`) : operand;
}

function isLiteral(operand: RawValue): boolean {
  if (operand.type === BSON_TYPE.string) return !stringOf(operand).startsWith('$');
  return operand.type !== BSON_TYPE.array && operand.type !== BSON_TYPE.object;
}

/** Whether the fields of the document are operands by name. */
function isNamed(operand: RawValue): boolean {
  const reader = new ElementReader(operand.bytes, operand.start);
  return !reader.next() || !reader.name().startsWith('$');
}

/** The one operand, which may be in a list. */
function only(operand: RawValue): RawValue {
  if (operand.type !== BSON_TYPE.array) return operand;
  const reader = new ElementReader(operand.bytes, operand.start);
  return reader.next() ? reader.value() : operand;
}
