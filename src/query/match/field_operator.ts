/** What one operator of a field condition (`{path: {$operator: operand}}`) provides; the table is in operators.ts. */
import type { ValueSpan } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import type { ExpressionScope } from '../expression.ts';
import type { Predicate } from './predicate.ts';

/** Parsing functions that operators with filters inside them call back. */
export interface FilterParser {
  /** What expressions in the filter see. */
  readonly scope: ExpressionScope;
  /** Whether the filter is that of a write that may insert. */
  readonly isUpsert: boolean;
  /** A whole filter document; `isTopLevel` is false inside `$elemMatch` and the like. */
  filter(bytes: Uint8Array, at: number, isTopLevel: boolean): Predicate;
  /** The operators of one document, all on `path`. */
  operators(path: string, bytes: Uint8Array, at: number): readonly Predicate[];
  /** Whether the value is a document of operators, not a literal. */
  isOperatorDocument(value: ValueSpan): boolean;
  /** Whether the name is that of an operator on whole documents, as `$or`. */
  isDocumentOperator(name: string): boolean;
}

/** An operator below a field. */
export interface FieldOperator {
  readonly name: `$${string}`;
  /** It decides about everything that stands beside it: its operand is the whole document of operators. */
  readonly takesAll?: true;
  /** The operand is a view into the filter, which stays as it is. Throws CommandError for a bad operand. */
  parse(path: string, operand: RawValue, parser: FilterParser, siblings: Siblings): Predicate;
}

/** The operand of another operator in the same document. */
export type Siblings = (name: `$${string}`) => RawValue | undefined;

/** For operators that stand alone. */
export const NO_SIBLINGS: Siblings = () => undefined;

/** An operator in the place of a field name, on the whole document. */
export interface DocumentOperator {
  readonly name: `$${string}`;
  /** `isTopLevel` is false inside `$elemMatch`. Undefined: no condition at all. */
  parse(operand: RawValue, parser: FilterParser, isTopLevel: boolean): Predicate | undefined;
}
