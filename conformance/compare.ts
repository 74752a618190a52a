/**
 * What "the same reply" means: every recorded field of a success, bytes and order included; of a failure its code, name
 * and labels; of write errors their place, code and key. What differs from run to run (times, tokens, ids) is masked.
 */
import { valueText } from './bson_text.ts';
import { child, itemsOf, plain, textOf } from './exact_json.ts';
import type { ArrayTree, Entry, ObjectTree, Tree } from './tree.ts';

/** One step of a scenario, as its file has it. */
export interface Step {
  readonly run: ObjectTree;
  readonly db: string | undefined;
  readonly on: string | undefined;
  readonly session: string | undefined;
  readonly save: string | undefined;
  readonly isUnordered: boolean;
  readonly only: readonly string[] | undefined;
  readonly ignore: readonly string[];
  readonly reply: Tree | undefined;
}

const STEP_KEYS = new Set(['run', 'db', 'on', 'session', 'save', 'order', 'only', 'ignore', 'note', 'reply']);

/** Throws on a step that cannot be read. */
export function readStep(tree: Tree): Step {
  if (tree.kind !== 'object') throw new TypeError('a step is an object');
  const unknown = tree.entries.find(([key]) => !STEP_KEYS.has(key));
  if (unknown !== undefined) throw new TypeError(`a step has no key ${unknown[0]}`);
  const run = child(tree, 'run');
  if (run?.kind !== 'object' || run.entries.length === 0) throw new TypeError('a step without a command');
  const paths = (key: string): string[] | undefined => {
    const list = child(tree, key);
    return list === undefined ? undefined : itemsOf(list).flatMap((item) => textOf(item) ?? []);
  };
  return {
    run,
    db: textOf(child(tree, 'db')),
    on: textOf(child(tree, 'on')),
    session: textOf(child(tree, 'session')),
    save: textOf(child(tree, 'save')),
    isUnordered: textOf(child(tree, 'order')) === 'any',
    only: paths('only'),
    ignore: paths('ignore') ?? [],
    reply: child(tree, 'reply'),
  };
}

/** Says nothing about meaning. */
const DROPPED = new Set([
  '$clusterTime',
  'operationTime',
  'electionId',
  'opTime',
  'lastCommittedOpTime',
  '$configServerState',
  'topologyVersion',
  'connectionId',
  '$replData',
  '$oplogQueryData',
]);

const MASKED: Readonly<Record<string, string>> = {
  _data: 'TOKEN',
  clusterTime: 'TIME',
  atClusterTime: 'TIME',
  ts: 'TIME',
  wall: 'DATE',
  wallTime: 'DATE',
  uuid: 'UUID',
  ui: 'UUID',
  collectionUUID: 'UUID',
};

const word = (value: string): Tree => ({ kind: 'string', value });

function mask(tree: Tree, key: string): Tree {
  const masked = Object.hasOwn(MASKED, key) ? MASKED[key] : undefined;
  if (masked !== undefined && tree.kind !== 'number' && tree.kind !== 'literal') return word(`<${masked}>`);
  if (tree.kind === 'object')
    return { kind: 'object', entries: tree.entries.map(([name, value]) => [name, mask(value, name)]) };
  if (tree.kind === 'array') return { kind: 'array', items: tree.items.map((item) => mask(item, '')) };
  return tree;
}

function valueAt(tree: Tree, path: string): Tree {
  let found: Tree | undefined = tree;
  for (const key of path.split('.')) found = found?.kind === 'array' ? found.items[Number(key)] : child(found, key);
  return found ?? word('<absent>');
}

function without(tree: Tree, path: readonly string[]): Tree {
  const [key, ...rest] = path;
  if (tree.kind === 'array') return { kind: 'array', items: tree.items.map((item) => without(item, path)) };
  if (tree.kind !== 'object') return tree;
  const kept = tree.entries.filter(([name]) => name !== key || rest.length > 0);
  return { kind: 'object', entries: kept.map(([name, value]) => [name, name === key ? without(value, rest) : value]) };
}

/** Shows an open cursor's id, which is never the same twice, as <OPEN>. */
function withoutCursorId([key, value]: Entry): Entry {
  const id = child(value, 'id');
  if (key !== 'cursor' || value.kind !== 'object' || id === undefined || show(id) === '{"$numberLong":"0"}')
    return [key, value];
  return [
    key,
    { kind: 'object', entries: value.entries.map(([name, v]) => [name, name === 'id' ? word('<OPEN>') : v]) },
  ];
}

/** The parts of a reply that count for this step, with what varies masked. */
export function normalize(reply: ObjectTree, step: Step): ObjectTree {
  const kept: readonly Entry[] =
    step.only?.map((path): Entry => [path, valueAt(reply, path)]) ?? reply.entries.filter(([key]) => !DROPPED.has(key));
  let tree: Tree = { kind: 'object', entries: kept };
  for (const path of step.ignore) tree = without(tree, path.split('.'));
  tree = mask(tree, '');
  return { kind: 'object', entries: tree.kind === 'object' ? tree.entries.map(withoutCursorId) : [] };
}

/** A tree as text. */
export function show(tree: Tree): string {
  switch (tree.kind) {
    case 'object':
      return `{${tree.entries.map(([key, value]) => `${JSON.stringify(key)}:${show(value)}`).join(',')}}`;
    case 'array':
      return `[${tree.items.map(show).join(',')}]`;
    case 'number':
      return tree.text;
    case 'bytes':
      return valueText(tree.type, tree.bytes);
    default:
      return JSON.stringify(tree.value);
  }
}

const ERROR_KEYS = ['ok', 'code', 'codeName', 'errorLabels'];

/** A message without the ids and times in it. */
function stableMessage(message: Tree): string {
  return show(message)
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<UUID>')
    .replace(/Timestamp\(\d+, \d+\)/g, '<TIME>')
    .replace(/[0-9A-F]{30,}/g, '<TOKEN>')
    .replace(/\d{9,19}/g, '<NUMBER>')
    .replace(/version: \d+/g, 'version: <NUMBER>');
}

const isFailure = (reply: Tree): boolean => {
  const ok = child(reply, 'ok');
  return ok !== undefined && plain(ok) === 0;
};

/** What differs between the recorded reply and ours; empty when they mean the same. */
export function differences(want: ObjectTree, got: ObjectTree, step: Step, comparesMessages: boolean): string[] {
  if (isFailure(want) || isFailure(got)) return failureDifferences(want, got, comparesMessages);
  return want.entries.flatMap(([key, wanted]) => {
    const found = child(got, key);
    if (found === undefined) return [`${key}: missing, want ${show(wanted)}`];
    const [a, b] = [comparable(key, wanted, step), comparable(key, found, step)];
    return a === b ? [] : [`${key}: want ${show(wanted)} got ${show(found)}`];
  });
}

function failureDifferences(want: ObjectTree, got: ObjectTree, comparesMessages: boolean): string[] {
  const textAt = (tree: Tree, key: string): string => {
    const value = child(tree, key);
    return value === undefined ? 'none' : JSON.stringify(plain(value));
  };
  const found = ERROR_KEYS.filter((key) => textAt(want, key) !== textAt(got, key)).map((key) => {
    const message = child(got, 'errmsg') ?? child(want, 'errmsg') ?? want;
    return `${key}: want ${textAt(want, key)} got ${textAt(got, key)}${key === 'ok' ? ` (${show(message)})` : ''}`;
  });
  const [wanted, ours] = [child(want, 'errmsg'), child(got, 'errmsg')];
  if (comparesMessages && wanted !== undefined && ours !== undefined && stableMessage(wanted) !== stableMessage(ours)) {
    found.push(`message: want ${show(wanted)} got ${show(ours)}`);
  }
  return found;
}

/** The text under which two values of a reply's field are equal exactly when they mean the same. */
function comparable(key: string, value: Tree, step: Step): string {
  if (key === 'writeErrors' || key === 'writeConcernError') {
    const parts = ['index', 'code', 'keyPattern', 'keyValue'];
    const part = (error: Tree, name: string): string => {
      const found = child(error, name);
      return found === undefined ? '' : show(found);
    };
    return (value.kind === 'array' ? value.items : [value])
      .map((error) => parts.map((name) => part(error, name)).join(' '))
      .join('|');
  }
  if (key === 'ok') return String(plain(value));
  return show(step.isUnordered ? asSets(sortedKeys(value)) : sortedKeys(value));
}

const byText = (a: Tree, b: Tree): number => (show(a) < show(b) ? -1 : 1);

/** The order of a reply's own keys means nothing; that inside documents does. */
function sortedKeys(tree: Tree): Tree {
  if (tree.kind !== 'object') return tree;
  return { kind: 'object', entries: [...tree.entries].sort(([a], [b]) => (a < b ? -1 : 1)) };
}

function asSets(tree: Tree): Tree {
  const sorted = (list: ArrayTree): Tree => ({ kind: 'array', items: [...list.items].sort(byText) });
  if (tree.kind === 'array') return sorted(tree);
  if (tree.kind !== 'object') return tree;
  return {
    kind: 'object',
    entries: tree.entries.map(([key, value]) => [key, value.kind === 'array' ? sorted(value) : value]),
  };
}
