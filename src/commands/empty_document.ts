/** A document without fields. */
export const EMPTY_DOCUMENT: Uint8Array = Uint8Array.of(5, 0, 0, 0, 0);
