/** Numbers that must not be mixed up, told apart by the compiler only. */

/** A duration or a monotonic moment, in milliseconds. Monotonic moments compare only within one process. */
export type Ms = number & { readonly unit: 'ms' };

/** Milliseconds since 1970-01-01 UTC on the wall clock; may jump. */
export type UnixMs = number & { readonly unit: 'unixMs' };

export function ms(value: number): Ms {
  return value as Ms;
}

export function unixMs(value: number): UnixMs {
  return value as UnixMs;
}
