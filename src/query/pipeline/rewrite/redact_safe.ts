/**
 * The part of a `$match` that may be tested before a `$redact` as well: what does not hold before, with more in the
 * document, cannot hold after. What holds of missing values, of arrays and documents as a whole, or by position is none.
 */
import { BSON_TYPE } from '../../../bson/types.ts';
import { rawArray, rawObject, type RawValue } from '../../../bson/value.ts';
import { BsonWriter } from '../../../bson/writer.ts';
import { fieldsIn } from './stage_spec.ts';

const ALWAYS_SAFE: ReadonlySet<string> = new Set(['$type', '$regex', '$options', '$mod']);
const COMPARISONS: ReadonlySet<string> = new Set(['$eq', '$gt', '$gte', '$lt', '$lte']);
const UNSAFE_TYPES: ReadonlySet<number> = new Set([
  BSON_TYPE.array,
  BSON_TYPE.object,
  BSON_TYPE.null,
  BSON_TYPE.undefined,
]);

/** Undefined when nothing of the filter is safe. */
export function redactSafePart(filter: RawValue): RawValue | undefined {
  const writer = new BsonWriter().startDocument();
  let count = 0;
  for (const [name, value] of fieldsIn(filter)) {
    const part = safeField(name, value);
    if (part === undefined) continue;
    writer.value(name, part);
    count++;
  }
  return count === 0 ? undefined : rawObject(writer.endDocument().finish());
}

function safeField(name: string, value: RawValue): RawValue | undefined {
  if (name === '$and' || name === '$or') {
    const parts = fieldsIn(value).map(([, one]) => redactSafePart(one));
    const safe = parts.filter((part) => part !== undefined);
    return safe.length === 0 || (name === '$or' && safe.length < parts.length) ? undefined : arrayOf(safe);
  }
  if (name.startsWith('$') || /(^|\.)\d+(\.|$)/.test(name)) return undefined;
  if (value.type !== BSON_TYPE.object || !isOperators(value)) return isSafe(value) ? value : undefined;
  return safeOperators(value);
}

function isOperators(value: RawValue): boolean {
  return fieldsIn(value)[0]?.[0].startsWith('$') ?? false;
}

function isSafe({ type }: RawValue): boolean {
  return !UNSAFE_TYPES.has(type);
}

function safeOperators(operators: RawValue): RawValue | undefined {
  const writer = new BsonWriter().startDocument();
  let count = 0;
  for (const [operator, operand] of fieldsIn(operators)) {
    const isKept =
      ALWAYS_SAFE.has(operator) ||
      (COMPARISONS.has(operator) && isSafe(operand)) ||
      (operator === '$in' && fieldsIn(operand).every(([, item]) => isSafe(item)));
    if (!isKept) continue;
    writer.value(operator, operand);
    count++;
  }
  return count === 0 ? undefined : rawObject(writer.endDocument().finish());
}

function arrayOf(items: readonly RawValue[]): RawValue {
  const writer = new BsonWriter().startDocument();
  for (const [i, item] of items.entries()) writer.value(i, item);
  return rawArray(writer.endDocument().finish());
}
