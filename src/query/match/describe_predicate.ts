/** Predicate trees as texts, in the form in which MongoDB's error messages show them: a line per node, indented. */
import { ElementReader } from '../../bson/elements.ts';
import { rawObject } from '../../bson/value.ts';
import { describeValue } from '../describe.ts';
import { describeNear } from '../geo/near.ts';
import type { TextQuery } from '../text/text_search.ts';
import type { LeafPredicate, Predicate } from './predicate.ts';

const INDENT = '    ';

/** Without a line break at the end. */
export function describePredicate(predicate: Predicate): string {
  return linesOf(predicate).join('\n');
}

function linesOf(predicate: Predicate): string[] {
  switch (predicate.kind) {
    case 'and':
    case 'or':
    case 'nor':
      return [`$${predicate.kind}`, ...predicate.children.flatMap(linesOf).map((line) => INDENT + line)];
    case 'not':
      return ['$not', ...linesOf(predicate.child).map((line) => INDENT + line)];
    case 'constant':
      return [predicate.value ? '$alwaysTrue' : '$alwaysFalse'];
    case 'document':
      if (predicate.text !== undefined) return [`TEXT : ${describeText(predicate.text.query)}`];
      return [`${predicate.operator} ${predicate.operand === undefined ? '' : describeValue(predicate.operand)}`];
    default:
      return linesOfLeaf(predicate);
  }
}

function describeText({ search, language, caseSensitive, diacriticSensitive }: TextQuery): string {
  const flags = `caseSensitive=${Number(caseSensitive)}, diacriticSensitive=${Number(diacriticSensitive)}`;
  return `query=${search}, language=${language ?? 'english'}, ${flags}, tag=NULL`;
}

function linesOfLeaf(leaf: LeafPredicate): string[] {
  const { path } = leaf;
  switch (leaf.kind) {
    case 'in':
      return [`${path} $in [ ${leaf.values.map((value) => `${describeValue(value)} `).join('')}]`];
    case 'exists':
      return [`${path} exists`];
    case 'other':
      return linesOfOther(leaf);
    default:
      return [`${path} $${leaf.kind} ${describeValue(leaf.value)}`];
  }
}

function linesOfOther(leaf: Extract<LeafPredicate, { kind: 'other' }>): string[] {
  const { path, operator, operand, regex, item, near, region } = leaf;
  if (region !== undefined && operand !== undefined) return [`GEO raw = { ${path}: ${describeValue(operand)} }`];
  if (near !== undefined) return [`GEONEAR  ${describeNear(near.query)}`];
  if (regex !== undefined) return [`${path} regex /${regex.pattern}/${regex.options}`];
  if (item !== undefined) {
    const form = item.isValueForm ? 'value' : 'obj';
    return [`${path} $elemMatch (${form})`, ...linesOf(item.predicate).map((line) => INDENT + line)];
  }
  if (operand === undefined) return [`${path} ${operator}`];
  if (operator === '$size') return [`${path} $size : ${describeValue(operand)}`];
  if (operator === '$mod') {
    const parts = new ElementReader(operand.bytes, operand.start);
    const numbers: string[] = [];
    while (parts.next()) numbers.push(describeValue(parts));
    return [`${path} mod ${numbers[0]} % x == ${numbers[1]}`];
  }
  return [`${path} ${operator} ${describeValue(operand)}`];
}

/** Of an error about a query: where, what, in which order, and of which shape. */
export function describeQuery(
  ns: string,
  filter: Predicate,
  shape: { readonly sort?: Uint8Array | undefined; readonly projection?: Uint8Array | undefined } = {},
): string {
  const textOf = (document: Uint8Array | undefined): string =>
    document === undefined ? '{}' : describeValue(rawObject(document));
  return `ns=${ns}Tree: ${describePredicate(filter)}\nSort: ${textOf(shape.sort)}\nProj: ${textOf(shape.projection)}\n`;
}
