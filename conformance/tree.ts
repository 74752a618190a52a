/** What exact JSON text is parsed to: keys keep their order and may repeat. */
export type Tree = ObjectTree | ArrayTree | TextTree | NumberTree | LiteralTree | BytesTree;
export interface ObjectTree {
  readonly kind: 'object';
  readonly entries: readonly Entry[];
}
export type Entry = readonly [string, Tree];
export interface ArrayTree {
  readonly kind: 'array';
  readonly items: readonly Tree[];
}
interface TextTree {
  readonly kind: 'string';
  readonly value: string;
}
interface NumberTree {
  readonly kind: 'number';
  readonly text: string;
}
interface LiteralTree {
  readonly kind: 'literal';
  readonly value: boolean | null;
}
/** An element that is BSON already. */
interface BytesTree {
  readonly kind: 'bytes';
  readonly type: number;
  readonly bytes: Buffer;
}
