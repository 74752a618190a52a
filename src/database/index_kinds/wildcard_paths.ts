/** Which paths a wildcard index lists: those below its root that its projection lets through. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { isTruthy } from '../../bson/value.ts';

export class WildcardPaths {
  /** '' for the whole document. */
  readonly #root: string;
  readonly #listed: readonly string[];
  readonly #isInclusion: boolean;
  /** `_id` is left out of a whole document unless it is asked for by name. */
  readonly #hasId: boolean;

  /** `projection` is a whole document. Throws FailedToParse when it both includes and excludes. */
  constructor(root: string, projection: Uint8Array | undefined) {
    const fields = projection === undefined ? [] : flattened(projection, 0, '');
    const others = fields.filter(({ path }) => path !== '_id');
    const id = fields.find(({ path }) => path === '_id');
    this.#root = root;
    this.#listed = others.map(({ path }) => path);
    this.#isInclusion = others.length > 0 ? others[0].isIncluded : id?.isIncluded === true;
    this.#hasId = id?.isIncluded === true || root !== '';
    if (others.every(({ isIncluded }) => isIncluded === this.#isInclusion)) return;
    const kind = this.#isInclusion ? 'exclusion' : 'inclusion';
    throw new CommandError(31_253, `Cannot do ${kind} in the wildcardProjection, which is of the other kind`);
  }

  /** Whether a value at `path` is listed. */
  includes(path: string): boolean {
    if (this.#root !== '' && !isAtOrBelow(path, this.#root)) return false;
    if (isAtOrBelow(path, '_id') && this.#root === '') return this.#hasId;
    return this.#listed.some((one) => isAtOrBelow(path, one)) === this.#isInclusion;
  }

  /** Whether something at `path` or below it may be listed. */
  mayReach(path: string): boolean {
    if (this.includes(path)) return true;
    if (this.#root !== '' && isAtOrBelow(this.#root, path)) return true;
    return this.#isInclusion && this.#listed.some((one) => isAtOrBelow(one, path));
  }
}

function isAtOrBelow(path: string, above: string): boolean {
  return path === above || path.startsWith(`${above}.`);
}

interface Choice {
  readonly path: string;
  readonly isIncluded: boolean;
}

/** {a: {b: 1}} means the same as {'a.b': 1}. */
function flattened(bytes: Uint8Array, at: number, prefix: string): Choice[] {
  const choices: Choice[] = [];
  const reader = new ElementReader(bytes, at);
  while (reader.next()) {
    const path = prefix + reader.name();
    if (reader.type === BSON_TYPE.object) {
      for (const choice of flattened(bytes, reader.start, `${path}.`)) choices.push(choice);
    } else choices.push({ path, isIncluded: isTruthy(reader) });
  }
  return choices;
}
