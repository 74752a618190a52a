/** Field paths, and how others lie to them: as many as a request may name, each asked about in a few steps. */

export class PathSet {
  readonly #paths: ReadonlySet<string>;
  /** The paths around those. */
  readonly #around = new Set<string>();

  constructor(paths: readonly string[]) {
    this.#paths = new Set(paths);
    for (const path of paths) for (const above of pathsAbove(path)) this.#around.add(above);
  }

  /** Whether `path` is one of these or inside one of them. */
  covers(path: string): boolean {
    return this.#paths.has(path) || isBelowOneOf(path, this.#paths);
  }

  /** Whether `path` is one of these, inside one of them, or around one of them. */
  touches(path: string): boolean {
    return this.covers(path) || this.#around.has(path);
  }
}

/** Whether a path of `paths` is around `path`. */
export function isBelowOneOf(path: string, paths: ReadonlySet<string>): boolean {
  for (const above of pathsAbove(path)) if (paths.has(above)) return true;
  return false;
}

/** `a` and `a.b` of `a.b.c`. */
function* pathsAbove(path: string): Iterable<string> {
  for (let dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1)) yield path.slice(0, dot);
}
