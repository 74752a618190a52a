/**
 * What filters mean, straight from the definition and without regard to cost: over decoded values, to hold the matcher
 * against. Filters are data here, and `encodeFilter` makes the document.
 */
import { BSON_TYPE } from '../../src/bson/types.ts';
import { BsonWriter } from '../../src/bson/writer.ts';
import { compareModels, type Sample } from './arbitrary_bson.ts';

export type Comparison = '$eq' | '$ne' | '$gt' | '$gte' | '$lt' | '$lte';
export type BitsOperator = '$bitsAllSet' | '$bitsAllClear' | '$bitsAnySet' | '$bitsAnyClear';

/** One alternative per operator, so that a `switch` tells them apart. */
type EachOf<Operator extends string, Rest> = { [Name in Operator]: { readonly operator: Name } & Rest }[Operator];

export type Condition =
  | EachOf<Comparison, { readonly operand: Sample }>
  | EachOf<'$in' | '$nin' | '$all', { readonly operands: readonly Sample[] }>
  | { readonly operator: '$exists'; readonly exists: boolean }
  | { readonly operator: '$size'; readonly size: number }
  /** 'number', or the codes of types. */
  | { readonly operator: '$type'; readonly types: readonly (number | 'number')[] }
  | { readonly operator: '$mod'; readonly divisor: bigint; readonly remainder: bigint }
  | EachOf<BitsOperator, { readonly positions: readonly number[] }>
  /** Only a text without special characters. */
  | { readonly operator: '$regex'; readonly text: string }
  | { readonly operator: '$not'; readonly conditions: readonly Condition[] }
  /** On the items themselves, or on items that are documents. */
  | { readonly operator: '$elemMatch'; readonly conditions: readonly Condition[] }
  | { readonly operator: '$elemMatch'; readonly filters: readonly Filter[] };

export type Filter =
  | { readonly kind: 'field'; readonly path: string; readonly conditions: readonly Condition[] }
  | { readonly kind: '$and' | '$or' | '$nor'; readonly filters: readonly Filter[] };

type Value = Sample | undefined;

/** Whether a document meets all filters. */
export function slowMatches(filters: readonly Filter[], document: Sample): boolean {
  return filters.every((filter) => {
    switch (filter.kind) {
      case '$and':
        return slowMatches(filter.filters, document);
      case '$or':
        return filter.filters.some((child) => slowMatches([child], document));
      case '$nor':
        return !filter.filters.some((child) => slowMatches([child], document));
      case 'field': {
        const path = filter.path.split('.');
        return filter.conditions.every((condition) => holds(condition, (expands) => inside(document, path, expands)));
      }
    }
  });
}

/** What a path leads to; undefined for "missing". An array at its end stands for its items too when `expands`. */
type ValuesAt = (expands: boolean) => readonly Value[];

function inside(value: Sample, path: readonly string[], expands: boolean): readonly Value[] {
  const [first, ...rest] = path;
  const field = value.fields?.find(({ name }) => name === first)?.sample;
  return field === undefined ? [undefined] : along(field, rest, expands);
}

function along(value: Sample, path: readonly string[], expands: boolean): readonly Value[] {
  const [first, ...rest] = path;
  const { fields = [] } = value;
  const items = fields.map(({ sample }) => sample);
  if (first === undefined) return isArray(value) && expands ? [...items, value] : [value];
  if (isObject(value)) return inside(value, path, expands);
  if (!isArray(value)) return [undefined];
  return items.flatMap((item, i) => {
    const named = isObject(item) ? inside(item, path, expands) : [];
    if (first !== String(i)) return named;
    if (rest.length === 0) return [...named, item];
    return isObject(item) || isArray(item) ? [...named, ...along(item, rest, expands)] : named;
  });
}

function isObject({ raw }: Sample): boolean {
  return raw.type === BSON_TYPE.object;
}

function isArray({ raw }: Sample): boolean {
  return raw.type === BSON_TYPE.array;
}

function holds(condition: Condition, valuesAt: ValuesAt): boolean {
  switch (condition.operator) {
    case '$ne':
      return !holds({ ...condition, operator: '$eq' }, valuesAt);
    case '$nin':
      return !holds({ ...condition, operator: '$in' }, valuesAt);
    case '$not':
      return !condition.conditions.every((child) => holds(child, valuesAt));
    case '$all':
      if (condition.operands.length === 0) return false;
      return condition.operands.every((operand) => holds({ operator: '$eq', operand }, valuesAt));
    case '$exists':
      return valuesAt(true).some((value) => value !== undefined) === condition.exists;
    case '$size':
      return valuesAt(false).some((value) => value?.fields?.length === condition.size && isArray(value));
    case '$elemMatch':
      return valuesAt(false).some(
        (value) => value !== undefined && isArray(value) && hasMatchingItem(value, condition),
      );
    default:
      return valuesAt(true).some((value) => passes(condition, value));
  }
}

function hasMatchingItem({ fields = [] }: Sample, condition: Extract<Condition, { operator: '$elemMatch' }>): boolean {
  const items = fields.map(({ sample }) => sample);
  if ('conditions' in condition) {
    return items.some((item) => condition.conditions.every((child) => holds(child, () => [item])));
  }
  return items.some((item) => (isObject(item) || isArray(item)) && slowMatches(condition.filters, item));
}

type ValueCondition = Exclude<
  Condition,
  { operator: '$ne' | '$nin' | '$not' | '$all' | '$exists' | '$size' | '$elemMatch' }
>;

function passes(condition: ValueCondition, value: Value): boolean {
  switch (condition.operator) {
    case '$in':
      return condition.operands.some((operand) => compares('$eq', operand, value));
    case '$type':
      return value !== undefined && condition.types.some((type) => hasType(value, type));
    case '$mod':
      return value !== undefined && hasRemainder(value, condition);
    case '$bitsAllSet':
    case '$bitsAllClear':
    case '$bitsAnySet':
    case '$bitsAnyClear':
      return value !== undefined && hasBits(value, condition);
    case '$regex':
      return value !== undefined && holdsText(value, condition.text);
    default:
      return compares(condition.operator, condition.operand, value);
  }
}

function compares(operator: Exclude<Comparison, '$ne'>, operand: Sample, value: Value): boolean {
  const includesEqual = operator === '$eq' || operator === '$gte' || operator === '$lte';
  const { type } = operand.raw;
  if (type === BSON_TYPE.null) return includesEqual && (value === undefined || value.raw.type === type);
  if (type === BSON_TYPE.minKey || type === BSON_TYPE.maxKey) {
    if (value?.raw.type === type) return includesEqual;
    return operator !== '$eq';
  }
  if (value === undefined || value.model.rank !== operand.model.rank) return false;
  if (isNaNumber(value) || isNaNumber(operand)) return includesEqual && isNaNumber(value) && isNaNumber(operand);
  const order = compareModels(value.model, operand.model);
  if (order === 0) return includesEqual;
  return order < 0 ? operator === '$lt' || operator === '$lte' : operator === '$gt' || operator === '$gte';
}

function isNaNumber({ model }: Sample): boolean {
  return model.kind === 'number' && model.special === -2;
}

function hasType({ raw, model }: Sample, type: number | 'number'): boolean {
  return type === 'number' ? model.kind === 'number' : raw.type === type;
}

/** Cut off towards zero; undefined when it is no number or does not fit. */
function int64Of({ model }: Sample): bigint | undefined {
  if (model.kind !== 'number' || model.special !== 0) return undefined;
  const whole = model.fraction.numerator / model.fraction.denominator;
  return BigInt.asIntN(64, whole) === whole ? whole : undefined;
}

function hasRemainder(value: Sample, { divisor, remainder }: { divisor: bigint; remainder: bigint }): boolean {
  const whole = int64Of(value);
  return whole !== undefined && whole % divisor === remainder;
}

function hasBits(
  value: Sample,
  { operator, positions }: { operator: BitsOperator; positions: readonly number[] },
): boolean {
  const bits = bitsOf(value);
  if (bits === undefined) return false;
  const wanted = operator.endsWith('Set');
  const isAsWanted = (position: number): boolean => bits(position) === wanted;
  return operator.startsWith('$bitsAll') ? positions.every(isAsWanted) : positions.some(isAsWanted);
}

function bitsOf(value: Sample): ((position: number) => boolean) | undefined {
  const { model, raw } = value;
  if (raw.type === BSON_TYPE.binData && model.kind === 'bytes') {
    const [, , data] = model.parts;
    return (position) => ((data[Math.floor(position / 8)] ?? 0) & (1 << (position % 8))) !== 0;
  }
  const whole = raw.type === BSON_TYPE.decimal128 ? nearestInt64(value) : int64Of(value);
  if (whole === undefined || model.kind !== 'number') return undefined;
  const isWhole = model.fraction.numerator % model.fraction.denominator === 0n;
  if (!isWhole && raw.type !== BSON_TYPE.decimal128) return undefined;
  return (position) => (whole >> BigInt(position)) % 2n !== 0n;
}

/** Halves go to the even neighbour; undefined when it is no number or does not fit. */
function nearestInt64({ model }: Sample): bigint | undefined {
  if (model.kind !== 'number' || model.special !== 0) return undefined;
  const { numerator, denominator } = model.fraction;
  const size = numerator < 0n ? -numerator : numerator;
  const below = size / denominator;
  const twiceAbove = 2n * (size - below * denominator);
  const isUp = twiceAbove > denominator || (twiceAbove === denominator && below % 2n === 1n);
  const nearest = (isUp ? below + 1n : below) * (numerator < 0n ? -1n : 1n);
  return BigInt.asIntN(64, nearest) === nearest ? nearest : undefined;
}

function holdsText({ raw, model }: Sample, text: string): boolean {
  const isText = raw.type === BSON_TYPE.string || raw.type === BSON_TYPE.symbol;
  if (!isText || model.kind !== 'bytes') return false;
  return Buffer.from(model.parts[0]).toString('utf8').includes(text);
}

// Encoding

export function encodeFilter(filters: readonly Filter[]): Uint8Array {
  const writer = new BsonWriter().startDocument();
  writeFilters(writer, filters);
  return writer.endDocument().finish();
}

function writeFilters(writer: BsonWriter, filters: readonly Filter[]): void {
  for (const filter of filters) {
    if (filter.kind === 'field') {
      writeConditions(writer, filter.path, filter.conditions);
      continue;
    }
    writer.startArray(filter.kind);
    filter.filters.forEach((child, i) => {
      writer.startSubdocument(i);
      writeFilters(writer, [child]);
      writer.end();
    });
    writer.end();
  }
}

function writeConditions(writer: BsonWriter, name: string, conditions: readonly Condition[]): void {
  writer.startSubdocument(name);
  for (const condition of conditions) writeCondition(writer, condition);
  writer.end();
}

function writeCondition(writer: BsonWriter, condition: Condition): void {
  const { operator } = condition;
  if ('operand' in condition) writer.value(operator, condition.operand.raw);
  else if ('operands' in condition) {
    writer.startArray(operator);
    condition.operands.forEach(({ raw }, i) => writer.value(i, raw));
    writer.end();
  } else if ('exists' in condition) writer.bool(operator, condition.exists);
  else if ('size' in condition) writer.int32(operator, condition.size);
  else if ('text' in condition) writer.string(operator, condition.text);
  else if ('conditions' in condition) writeConditions(writer, operator, condition.conditions);
  else if ('filters' in condition) {
    writer.startSubdocument(operator);
    writeFilters(writer, condition.filters);
    writer.end();
  } else {
    writer.startArray(operator);
    writeItems(writer, condition);
    writer.end();
  }
}

function writeItems(
  writer: BsonWriter,
  condition: Extract<Condition, { operator: '$type' | '$mod' | BitsOperator }>,
): void {
  if (condition.operator === '$mod') writer.int64(0, condition.divisor).int64(1, condition.remainder);
  else if (condition.operator === '$type') {
    condition.types.forEach((type, i) => {
      if (type === 'number') writer.string(i, type);
      else writer.int32(i, type === BSON_TYPE.minKey ? -1 : type);
    });
  } else condition.positions.forEach((position, i) => writer.int32(i, position));
}
