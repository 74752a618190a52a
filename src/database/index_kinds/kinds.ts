/** Every kind of index. A new one is a file and a row here. */
import { hashedKind } from './hashed.ts';
import type { IndexKind } from './index_kind.ts';
import { ordinaryKind } from './ordinary.ts';
import { textKind } from './text.ts';
import { flatKind } from './two_d.ts';
import { sphereKind } from './two_d_sphere.ts';
import { isWildcardPath, wildcardKind } from './wildcard.ts';

const KINDS: readonly IndexKind[] = [ordinaryKind, hashedKind, wildcardKind, flatKind, sphereKind, textKind];

/** By what stands in a key pattern in place of a direction. */
const KIND_BY_PLUGIN: ReadonlyMap<string, IndexKind> = new Map(KINDS.map((kind) => [kind.name, kind]));

export function isPlugin(name: string): boolean {
  return KIND_BY_PLUGIN.has(name) && name !== ordinaryKind.name && name !== wildcardKind.name;
}

/** The kind of an index with these fields: that of its first plugin. */
export function kindOf(fields: Iterable<{ readonly path: string; readonly plugin: string | undefined }>): IndexKind {
  let found = ordinaryKind;
  for (const { path, plugin } of fields) {
    if (plugin === undefined && isWildcardPath(path)) return wildcardKind;
    if (plugin !== undefined && found === ordinaryKind) found = KIND_BY_PLUGIN.get(plugin) ?? ordinaryKind;
  }
  return found;
}

/** Whether some kind takes an option of that name. */
export function kindTaking(option: string): IndexKind | undefined {
  return KINDS.find((kind) => kind.options.has(option));
}
