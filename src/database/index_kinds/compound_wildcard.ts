/** What a wildcard index with other fields beside the wildcard has to keep to: no path is listed twice. */
import { CommandError } from '../../base/command_error.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { ElementReader } from '../../bson/elements.ts';
import { isTruthy, type RawValue } from '../../bson/value.ts';

/** `names`: all fields of the key, the wildcard among them. */
export function checkCompoundWildcard(
  names: readonly string[],
  wildcard: string,
  projection: RawValue | undefined,
): void {
  const others = names.filter((name) => name !== wildcard);
  if (wildcard !== '$**') {
    checkApart(others, wildcard.slice(0, -'.$**'.length));
    return;
  }
  if (projection === undefined) {
    const text = "Compound wildcard indexes on '$**' need a 'wildcardProjection' that leaves out the other fields";
    throw new CommandError('CannotCreateIndex', text);
  }
  const choices = choicesIn(projection.bytes, projection.start, '');
  checkPaths(choices.map(({ path }) => path));
  checkProjection(others, choices);
}

function checkApart(others: readonly string[], root: string): void {
  for (const name of others) {
    if (!overlap(name, root)) continue;
    throw new CommandError(
      7_246_204,
      `Compound wildcard indexes must not list '${name}' twice: it is below '${root}.$**'`,
    );
  }
}

interface Choice {
  readonly path: string;
  readonly isIncluded: boolean;
}

function choicesIn(bytes: Uint8Array, at: number, prefix: string): Choice[] {
  const choices: Choice[] = [];
  const reader = new ElementReader(bytes, at);
  while (reader.next()) {
    const path = prefix + reader.name();
    if (reader.type === BSON_TYPE.object) choices.push(...choicesIn(bytes, reader.start, `${path}.`));
    else if (isNumericType(reader.type) || reader.type === BSON_TYPE.bool) {
      choices.push({ path, isIncluded: isTruthy(reader) });
    } else
      throw new CommandError(
        51_271,
        `A wildcardProjection takes numbers and booleans, found something else at ${path}`,
      );
  }
  return choices;
}

function checkPaths(paths: readonly string[]): void {
  for (const [i, path] of paths.entries()) {
    const other = paths.find((one, j) => j !== i && overlap(one, path));
    if (other === undefined) continue;
    throw new CommandError(7_246_200, `The wildcardProjection has two paths for one field: '${path}' and '${other}'`);
  }
}

/** `_id` may be said apart from the others; where nothing else is said, it decides. */
function checkProjection(others: readonly string[], choices: readonly Choice[]): void {
  const plain = choices.filter(({ path }) => path !== '_id');
  const [first = choices[0]] = plain;
  if (plain.some(({ isIncluded }) => isIncluded !== first.isIncluded)) {
    throw new CommandError(7_246_211, 'A wildcardProjection can only include or only exclude fields, _id aside');
  }
  if (first.isIncluded) checkInclusion(others, choices);
  else checkExclusion(others, choices);
}

function checkInclusion(others: readonly string[], choices: readonly Choice[]): void {
  for (const { path, isIncluded } of choices) {
    if (!isIncluded || !others.some((name) => overlap(name, path))) continue;
    throw new CommandError(
      7_246_208,
      `The wildcardProjection must not include '${path}', which is a field of the index`,
    );
  }
}

/** Both lists are gone through in their order, as MongoDB does it: which of the two codes is said depends on it. */
function checkExclusion(others: readonly string[], choices: readonly Choice[]): void {
  const excluded = choices.filter(({ isIncluded }) => !isIncluded).map(({ path }) => path);
  excluded.sort(byBytes);
  for (const name of others.toSorted(byBytes)) {
    const next = excluded.find((path) => isWithin(name, path) || byBytes(path, name) > 0);
    if (next !== undefined && isWithin(name, next)) continue;
    const code = next === undefined ? 7_246_210 : 7_246_209;
    throw new CommandError(code, `The wildcardProjection must exclude '${name}', which is a field of the index`);
  }
}

function byBytes(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function isWithin(path: string, above: string): boolean {
  return path === above || path.startsWith(`${above}.`);
}

function overlap(a: string, b: string): boolean {
  return isWithin(a, b) || isWithin(b, a);
}
