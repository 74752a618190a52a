/** Ranges of keys in a table. */

/** Keys in [from, to); undefined is the end of the table. */
export interface KeyRange {
  readonly from: Uint8Array | undefined;
  readonly to: Uint8Array | undefined;
}

/** The first key that does not begin with `prefix`; undefined when there is none. */
export function afterPrefix(prefix: Uint8Array): Uint8Array | undefined {
  for (let end = prefix.length; end > 0; end--) {
    if (prefix[end - 1] === 0xff) continue;
    const key = prefix.slice(0, end);
    key[end - 1] += 1;
    return key;
  }
  return undefined;
}

export function join(prefix: Uint8Array, rest: Uint8Array): Uint8Array {
  if (prefix.length === 0) return rest;
  const joined = new Uint8Array(prefix.length + rest.length);
  joined.set(prefix);
  joined.set(rest, prefix.length);
  return joined;
}
