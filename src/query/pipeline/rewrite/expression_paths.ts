/** What an expression reads of the document, found in the expression as it is written. */
import { BSON_TYPE } from '../../../bson/types.ts';
import { stringOf, type RawValue } from '../../../bson/value.ts';
import { fieldsIn } from './stage_spec.ts';

/** Operators that may read anything of the document, or whose value has no paths in it. */
const WHOLE_DOCUMENT: ReadonlySet<string> = new Set(['$getField', '$setField', '$unsetField', '$meta', '$rand']);
const LITERAL: ReadonlySet<string> = new Set(['$literal', '$const']);

/** Variables whose values are no part of the document. */
const FREE_VARIABLES: ReadonlySet<string> = new Set(['NOW', 'CLUSTER_TIME', 'REMOVE', 'USER_ROLES', 'SEARCH_META']);

/** Adds the paths that `expression` reads; false when it may read anything. */
export function addExpressionPaths(expression: RawValue, paths: Set<string>): boolean {
  return addPaths(expression, paths, new Set());
}

function addPaths(expression: RawValue, paths: Set<string>, bound: ReadonlySet<string>): boolean {
  switch (expression.type) {
    case BSON_TYPE.string:
      return addPath(stringOf(expression), paths, bound);
    case BSON_TYPE.array:
      return fieldsIn(expression).every(([, item]) => addPaths(item, paths, bound));
    case BSON_TYPE.object:
      return fieldsIn(expression).every(([name, value]) => {
        if (LITERAL.has(name)) return true;
        return !WHOLE_DOCUMENT.has(name) && addPaths(value, paths, withBound(name, value, bound));
      });
    default:
      return true;
  }
}

/** The variables that an operator binds for what is inside it. */
function withBound(operator: string, operand: RawValue, bound: ReadonlySet<string>): ReadonlySet<string> {
  if (operand.type !== BSON_TYPE.object) return bound;
  const fields = new Map(fieldsIn(operand));
  switch (operator) {
    case '$let': {
      const variables = fields.get('vars');
      if (variables?.type !== BSON_TYPE.object) return bound;
      return new Set([...bound, ...fieldsIn(variables).map(([name]) => name)]);
    }
    case '$map':
    case '$filter': {
      const as = fields.get('as');
      return new Set([...bound, as?.type === BSON_TYPE.string ? stringOf(as) : 'this']);
    }
    case '$reduce':
      return new Set([...bound, 'this', 'value']);
    default:
      return bound;
  }
}

function addPath(text: string, paths: Set<string>, bound: ReadonlySet<string>): boolean {
  if (!text.startsWith('$$')) {
    if (bound.has('CURRENT')) return false;
    if (text.startsWith('$')) paths.add(text.slice(1));
    return true;
  }
  const [variable = '', ...path] = text.slice(2).split('.');
  if (bound.has(variable) || FREE_VARIABLES.has(variable)) return true;
  if (variable !== 'ROOT' && variable !== 'CURRENT') return /^[a-z]/.test(variable);
  if (path.length === 0) return false;
  paths.add(path.join('.'));
  return true;
}
