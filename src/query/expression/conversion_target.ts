/** What `$convert` is to make of a value. */
export const BINARY_FORMATS = ['auto', 'base64', 'base64url', 'utf8', 'hex', 'uuid'] as const;
export type BinaryFormat = (typeof BINARY_FORMATS)[number];

export interface ConversionTarget {
  readonly type: number;
  /** Of binary data. */
  readonly subtype: number;
  readonly format: BinaryFormat | undefined;
}
