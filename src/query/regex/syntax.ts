/** What a pattern says, as a tree: made by `parse_regex.ts`, turned into JavaScript by `emit_regex.ts`. */

/** The options that hold at one place of a pattern; inline groups as `(?i)` change them. */
export interface RegexFlags {
  readonly ignoreCase: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
  readonly extended: boolean;
}

export type RegexNode =
  /** One code point. */
  | { readonly kind: 'char'; readonly code: number; readonly ignoreCase: boolean }
  /** One code point of a set; `source` is a JavaScript class with the flag `u`. */
  | { readonly kind: 'set'; readonly source: string; readonly ignoreCase: boolean }
  /** A condition on the place alone, as JavaScript source without groups. */
  | { readonly kind: 'assertion'; readonly source: string }
  | { readonly kind: 'sequence' | 'alternation'; readonly parts: readonly RegexNode[] }
  | { readonly kind: 'capture'; readonly index: number; readonly body: RegexNode }
  | { readonly kind: 'look'; readonly behind: boolean; readonly negative: boolean; readonly body: RegexNode }
  /** Once matched, its inside is not tried in another way. */
  | { readonly kind: 'atomic'; readonly body: RegexNode }
  | { readonly kind: 'backreference'; readonly index: number; readonly ignoreCase: boolean }
  | {
      readonly kind: 'repeat';
      readonly body: RegexNode;
      readonly min: number;
      /** Infinity when there is none. */
      readonly max: number;
      readonly isLazy: boolean;
    };

export interface ParsedRegex {
  readonly root: RegexNode;
  /** Capturing groups; their indexes are 1 to this. */
  readonly groupCount: number;
}
