/** What one modifier does at the end of its path; the table of modifiers is in modifiers.ts. */
import type { RawValue } from '../../bson/value.ts';
import type { ExpressionScope } from '../expression.ts';
import type { UpdateContext } from './context.ts';
import type { FieldFinder } from './field_finder.ts';

/** The end of a path in the document as it was before the update. */
export interface LeafTarget {
  /** Undefined when the path does not exist. */
  readonly value: RawValue | undefined;
  /** The whole path with array positions resolved. */
  readonly path: string;
  /** The last component of the path. */
  readonly field: string;
  readonly document: Uint8Array;
  /** Of `document`. */
  readonly finder: FieldFinder;
  readonly context: UpdateContext;
  /** Whether the document is the seed of an upsert. */
  readonly isInsert: boolean;
}

export type LeafEdit =
  | { readonly kind: 'keep' }
  | { readonly kind: 'set'; readonly value: RawValue }
  | { readonly kind: 'remove' }
  /** Adds items behind the last of an array that has `length` items. */
  | { readonly kind: 'append'; readonly length: number; readonly items: readonly RawValue[] };

export const KEEP: LeafEdit = { kind: 'keep' };

/**
 * What a missing path means: 'create' makes it and fails where a value is in the way; 'check' changes nothing but fails
 * there too; 'ignore' changes nothing.
 */
export type MissingPath = 'create' | 'check' | 'ignore';

export interface Leaf {
  readonly missingPath: MissingPath;
  /** Throws CommandError when it cannot be applied to the value. */
  edit(target: LeafTarget): LeafEdit;
}

/** A modifier at one path; `$rename` makes two of them. */
export interface PathLeaf {
  readonly path: string;
  readonly leaf: Leaf;
}

export interface Modifier {
  readonly name: `$${string}`;
  /** One field of the modifier's document. The operand is a view into the update, which stays as it is; `scope` has the order of values. */
  parse(path: string, operand: RawValue, scope: ExpressionScope): readonly PathLeaf[];
}

/** A modifier with one leaf per path. */
export function simpleModifier(
  name: `$${string}`,
  missingPath: MissingPath,
  parse: (operand: RawValue, path: string, scope: ExpressionScope) => Leaf['edit'],
): Modifier {
  return {
    name,
    parse: (path, operand, scope) => [{ path, leaf: { missingPath, edit: parse(operand, path, scope) } }],
  };
}

/** Sets the value, unless it is there already with the same type and bytes. */
export function setTo(target: LeafTarget, value: RawValue): LeafEdit {
  const old = target.value;
  return old !== undefined && isIdentical(old, value) ? KEEP : { kind: 'set', value };
}

export function isIdentical(a: RawValue, b: RawValue): boolean {
  const size = a.end - a.start;
  if (a.type !== b.type || b.end - b.start !== size) return false;
  for (let i = 0; i < size; i++) if (a.bytes[a.start + i] !== b.bytes[b.start + i]) return false;
  return true;
}
