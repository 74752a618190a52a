/**
 * Exact JSON: a text form of BSON that loses nothing. It is MongoDB's extended JSON, except that the way a number is
 * written tells its type: 5 is an int32 (int64 when it does not fit), 5.0 and 1e3 are doubles. Keys keep their order and may
 * repeat, which `JSON.parse` and JavaScript objects do not allow: so text becomes a tree, and bytes are written from it.
 */
import { Decimal128 } from 'bson';
import { parseText } from './exact_json_parser.ts';
import type { ObjectTree, Tree } from './tree.ts';

export function parseObject(text: string): ObjectTree {
  const tree = parseText(text);
  if (tree.kind !== 'object') throw new SyntaxError('not an object');
  return tree;
}

/** Tree to a plain value: for the fields around BSON values, never for BSON itself. */
export function plain(tree: Tree): unknown {
  switch (tree.kind) {
    case 'object':
      return Object.fromEntries(tree.entries.map(([key, value]) => [key, plain(value)]));
    case 'array':
      return tree.items.map(plain);
    case 'number':
      return Number(tree.text);
    case 'bytes':
      throw new TypeError('bytes have no plain value');
    default:
      return tree.value;
  }
}

/** The child of an object under a key; undefined for anything else. */
export function child(tree: Tree | undefined, key: string): Tree | undefined {
  return tree?.kind === 'object' ? tree.entries.find(([name]) => name === key)?.[1] : undefined;
}

export function textOf(tree: Tree | undefined): string | undefined {
  return tree?.kind === 'string' ? tree.value : undefined;
}

export function itemsOf(tree: Tree | undefined): readonly Tree[] {
  return tree?.kind === 'array' ? tree.items : [];
}

const cstring = (text: string): Buffer => {
  if (text.includes('\0')) throw new TypeError('a key or pattern cannot contain a zero byte');
  return Buffer.from(`${text}\0`);
};
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
};
const int64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
};
const double = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
};
const bsonString = (text: string): Buffer => {
  const body = Buffer.from(text);
  return Buffer.concat([int32(body.length + 1), body, Buffer.alloc(1)]);
};
const binary = (bytes: Buffer, subType: number): Buffer =>
  Buffer.concat([int32(bytes.length), Buffer.from([subType]), bytes]);

type Encoded = readonly [type: number, bytes: Buffer];

const stringUnder = (tree: Tree, ...path: string[]): string => {
  let found: Tree | undefined = tree;
  for (const key of path) found = child(found, key);
  if (found?.kind === 'string') return found.value;
  if (found?.kind === 'number') return found.text;
  throw new TypeError(`no text at ${path.join('.')}`);
};

const numberUnder = (tree: Tree, ...path: string[]): number => Number(stringUnder(tree, ...path));

/** Wrappers such as {"$oid": …}, by key. */
const WRAPPERS: Readonly<Record<string, (tree: ObjectTree) => Encoded>> = {
  $numberInt: (tree) => [0x10, int32(numberUnder(tree, '$numberInt'))],
  $numberLong: (tree) => [0x12, int64(BigInt(stringUnder(tree, '$numberLong')))],
  $numberDouble: (tree) => [0x01, double(numberUnder(tree, '$numberDouble'))],
  $numberDecimal: (tree) => [0x13, Buffer.from(Decimal128.fromString(stringUnder(tree, '$numberDecimal')).bytes)],
  $oid: (tree) => [0x07, Buffer.from(stringUnder(tree, '$oid'), 'hex')],
  $date: (tree) => [0x09, int64(dateMs(child(tree, '$date')))],
  $timestamp: (tree) => {
    const low = int32(numberUnder(tree, '$timestamp', 'i') | 0);
    return [0x11, Buffer.concat([low, int32(numberUnder(tree, '$timestamp', 't') | 0)])];
  },
  $binary: (tree) => {
    const bytes = Buffer.from(stringUnder(tree, '$binary', 'base64'), 'base64');
    return [0x05, binary(bytes, Number.parseInt(stringUnder(tree, '$binary', 'subType'), 16))];
  },
  $uuid: (tree) => [0x05, binary(Buffer.from(stringUnder(tree, '$uuid').replaceAll('-', ''), 'hex'), 4)],
  $regularExpression: (tree) => {
    const options = (textOf(child(child(tree, '$regularExpression'), 'options')) ?? '').split('').sort().join('');
    return [0x0b, Buffer.concat([cstring(stringUnder(tree, '$regularExpression', 'pattern')), cstring(options)])];
  },
  $minKey: () => [0xff, Buffer.alloc(0)],
  $maxKey: () => [0x7f, Buffer.alloc(0)],
  $undefined: () => [0x06, Buffer.alloc(0)],
  $symbol: (tree) => [0x0e, bsonString(stringUnder(tree, '$symbol'))],
  $code: codeElement,
  $dbPointer: (tree) => {
    const id = Buffer.from(stringUnder(tree, '$dbPointer', '$id', '$oid'), 'hex');
    return [0x0c, Buffer.concat([bsonString(stringUnder(tree, '$dbPointer', '$ref')), id])];
  },
};

function dateMs(inner: Tree | undefined): bigint {
  if (inner?.kind === 'string') return BigInt(Date.parse(inner.value));
  if (inner?.kind === 'number') return BigInt(inner.text);
  if (inner === undefined) throw new TypeError('a $date without a value');
  return BigInt(stringUnder(inner, '$numberLong'));
}

function codeElement(tree: ObjectTree): Encoded {
  const code = bsonString(stringUnder(tree, '$code'));
  const scope = child(tree, '$scope');
  if (scope?.kind !== 'object') return [0x0d, code];
  const body = Buffer.concat([code, toBson(scope)]);
  return [0x0f, Buffer.concat([int32(body.length + 4), body])];
}

function wrapperOf(tree: ObjectTree): ((tree: ObjectTree) => Encoded) | undefined {
  const [first, second] = tree.entries;
  if (first === undefined || !Object.hasOwn(WRAPPERS, first[0])) return undefined;
  const isAlone =
    tree.entries.length === 1 || (tree.entries.length === 2 && first[0] === '$code' && second?.[0] === '$scope');
  // {"$date": "$field"} and the like are expressions, not values.
  const isExpression = first[0] === '$date' && first[1].kind === 'string' && Number.isNaN(Date.parse(first[1].value));
  return isAlone && !isExpression ? WRAPPERS[first[0]] : undefined;
}

function encode(tree: Tree): Encoded {
  switch (tree.kind) {
    case 'object':
      return wrapperOf(tree)?.(tree) ?? [0x03, toBson(tree)];
    case 'array':
      return [0x04, toBson({ kind: 'object', entries: tree.items.map((item, i) => [String(i), item]) })];
    case 'string':
      return [0x02, bsonString(tree.value)];
    case 'literal':
      return tree.value === null ? [0x0a, Buffer.alloc(0)] : [0x08, Buffer.from([tree.value ? 1 : 0])];
    case 'number':
      return encodeNumber(tree.text);
    case 'bytes':
      return [tree.type, tree.bytes];
  }
}

function encodeNumber(text: string): Encoded {
  if (/[.eE]/.test(text)) return [0x01, double(Number(text))];
  const value = BigInt(text);
  return value >= -0x80000000n && value <= 0x7fffffffn ? [0x10, int32(Number(value))] : [0x12, int64(value)];
}

/** Object tree to a BSON document. */
export function toBson(tree: ObjectTree): Buffer {
  const parts: Buffer[] = [];
  for (const [key, value] of tree.entries) {
    const [type, bytes] = encode(value);
    parts.push(Buffer.from([type]), cstring(key), bytes);
  }
  const body = Buffer.concat(parts);
  return Buffer.concat([int32(body.length + 5), body, Buffer.alloc(1)]);
}
