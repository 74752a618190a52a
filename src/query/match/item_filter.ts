/** Filters on the items of arrays, as `$pull` and `arrayFilters` have them. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import type { ExpressionScope } from '../expression.ts';
import { compileFieldPredicate, compilePredicate, firstComponent } from './compile.ts';
import { isFieldOperator } from './operators.ts';
import { filterParser, parseFilter } from './parse.ts';
import { conjunction, type Predicate } from './predicate.ts';
import { regexParts, regexTest } from './regex.ts';
import type { ValueTest } from './value_test.ts';

/** The condition of `$pull`: operators on the item, a filter on items that are documents, or a value to equal. */
export function compileItemFilter(condition: RawValue, scope: ExpressionScope): (item: RawValue) => boolean {
  if (condition.type === BSON_TYPE.regex) {
    const test = regexTest(regexParts(condition));
    return (item) => test(item.bytes, item.type, item.start, item.end);
  }
  const { order } = scope;
  if (condition.type !== BSON_TYPE.object) return (item) => order.compare(item, condition) === 0;
  const parser = filterParser(scope);
  const { bytes, start } = condition;
  if (beginsWithFieldOperator(condition)) {
    const test = compileFieldPredicate(conjunction(parser.operators('', bytes, start)));
    return (item) => test(item.bytes, item.type, item.start, item.end);
  }
  const matcher = compilePredicate(parser.filter(bytes, start, false));
  return (item) => item.type === BSON_TYPE.object && matcher.matches(item.bytes, item.start);
}

function beginsWithFieldOperator(condition: RawValue): boolean {
  const first = new ElementReader(condition.bytes, condition.start);
  return first.next() && isFieldOperator(first.name());
}

export interface ArrayFilter {
  /** The name in `$[name]`. */
  readonly identifier: string;
  readonly test: ValueTest;
}

/** One filter of `arrayFilters`: all of its paths begin with the identifier, which stands for the item. */
export function compileArrayFilter(filter: Uint8Array, scope: ExpressionScope): ArrayFilter {
  const predicate = parseFilter(filter, scope);
  const [identifier, ...others] = topLevelNames(predicate);
  if (identifier === undefined) {
    throw new CommandError('FailedToParse', 'Cannot use an expression without a top-level field name in arrayFilters');
  }
  if (others.length > 0) {
    throw new CommandError(
      'FailedToParse',
      'Error parsing array filter :: caused by :: Expected a single top-level field name',
    );
  }
  if (!/^[a-z][a-zA-Z0-9]*$/.test(identifier)) {
    throw new CommandError(
      'BadValue',
      'Error parsing array filter :: caused by :: The top-level field name must be an alphanumeric string beginning ' +
        `with a lowercase letter, found '${identifier}'`,
    );
  }
  return { identifier, test: compileFieldPredicate(predicate) };
}

/** The first components of all paths. Throws for conditions that are about a whole document. */
function topLevelNames(predicate: Predicate): ReadonlySet<string> {
  switch (predicate.kind) {
    case 'constant':
      return new Set();
    case 'document': {
      const { operator } = predicate;
      const code = operator === '$expr' ? 'QueryFeatureNotAllowed' : 'BadValue';
      throw new CommandError(
        code,
        `Error parsing array filter :: caused by :: ${operator} is not allowed in this context`,
      );
    }
    case 'not':
      return topLevelNames(predicate.child);
    case 'and':
    case 'or':
    case 'nor':
      return new Set(predicate.children.flatMap((child) => [...topLevelNames(child)]));
    default:
      return new Set([firstComponent(predicate.path)]);
  }
}
