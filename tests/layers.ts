/**
 * The layer rule as data and as a checker over sources: which folder of `src/` may import which, and what no folder
 * below `host/` may touch. ARCHITECTURE.md says why.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join, posix } from 'node:path';

/** What each folder may import, besides itself. */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  bson: ['base'],
  wire: ['base', 'bson'],
  query: ['base', 'bson'],
  storage: ['base', 'bson'],
  replication: ['base', 'bson'],
  oplog: ['base', 'bson', 'storage', 'replication'],
  database: ['base', 'bson', 'storage', 'replication', 'query', 'oplog'],
  commands: ['base', 'bson', 'wire', 'storage', 'query', 'oplog', 'database', 'replication'],
  member: ['base', 'bson', 'wire', 'query', 'storage', 'replication', 'oplog', 'database', 'commands'],
  sim: ['base', 'bson', 'wire', 'query', 'storage', 'replication', 'oplog', 'database', 'commands', 'member'],
  host: ['base', 'storage'],
  set: ['base', 'bson', 'host', 'member'],
  admin: ['base', 'bson', 'set', 'host', 'member'],
  cli: ['base', 'bson', 'set', 'host', 'member', 'sim', 'admin'],
};

/** Folders that reach the machine themselves; all others are deterministic. */
const MACHINE_FOLDERS = new Set(['host', 'set', 'admin', 'cli']);

/** `host/` may use no more of `storage/` than what storage declares for it to implement. */
const HOST_MAY_IMPORT = new Set(['storage/base_store.ts']);

/** Deterministic parts of Node that files below `host/` may use, file by file. */
const NODE_MODULES_ALLOWED: Readonly<Record<string, readonly string[]>> = {
  'storage/block_checksum.ts': ['node:zlib'],
  'wire/compression.ts': ['node:zlib'],
  'database/hash.ts': ['node:crypto'],
  'bson/value_hash.ts': ['node:crypto'],
  'member/local_state.ts': ['node:zlib'],
};

interface Ban {
  readonly pattern: RegExp;
  readonly instead: string;
  /** Files that may, because they are where the rest gets it from. */
  readonly except?: readonly string[];
}

/** Time zone data comes from the engine; the result does not depend on the machine's settings. */
const TIME_ZONES = 'query/date/time_zone.ts';

/** Collations are orders of languages: the tables of those are the machine's, as time zones are. */
const COLLATIONS = 'query/collation/string_order.ts';

const BANS: readonly Ban[] = [
  { pattern: /\bDate\.now\s*\(|\bnew Date\s*\(\s*\)|\bperformance\.now\s*\(/, instead: 'env.clock' },
  { pattern: /\bMath\.random\s*\(|\bcrypto\.(randomBytes|getRandomValues)/, instead: 'env.random' },
  { pattern: /(?<![.\w])(setTimeout|setInterval|setImmediate)\s*\(/, instead: 'env.timers or env.breathe' },
  {
    pattern: /\bIntl\b|\.localeCompare\s*\(|\.toLocale\w+\s*\(/,
    instead: 'an order of our own',
    except: [TIME_ZONES, COLLATIONS],
  },
  { pattern: /(?<![.\w#])process\.\w/, instead: 'Env or an option passed in' },
];

export interface SourceFile {
  /** Path below `src/`, with '/'. */
  readonly path: string;
  readonly text: string;
}

/** All sources below a folder, without tests and what only they use. */
export function readSources(root: string): SourceFile[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts') && !/(\.test|test_support)\.ts$/.test(path))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

/** One line per violation: 'path: what is wrong'. */
export function violations(sources: readonly SourceFile[]): string[] {
  return sources.flatMap((source) => [...importViolations(source), ...banViolations(source)]);
}

function folderOf(path: string): string {
  return path.split('/')[0] ?? '';
}

function importsOf(text: string): string[] {
  const code = withoutComments(text);
  const found: string[] = [];
  for (const match of code.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)(['"])([^'"]+)\1/g)) found.push(match[2] ?? '');
  return found;
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/[^\n]*/g, '$1');
}

function importViolations({ path, text }: SourceFile): string[] {
  const folder = folderOf(path);
  const allowed = LAYERS[folder];
  if (allowed === undefined) return [`${path}: folder ${folder}/ is not in the layer table`];
  const found: string[] = [];
  for (const specifier of importsOf(text)) {
    if (specifier.startsWith('.')) {
      const target = posix.normalize(posix.join(posix.dirname(path), specifier));
      const problem = relativeProblem({ folder, allowed, target });
      if (problem !== undefined) found.push(`${path}: ${problem}`);
    } else if (specifier.startsWith('node:') && !MACHINE_FOLDERS.has(folder)) {
      if (!(NODE_MODULES_ALLOWED[path] ?? []).includes(specifier)) found.push(`${path}: imports ${specifier}`);
    }
  }
  return found;
}

interface RelativeImport {
  readonly folder: string;
  readonly allowed: readonly string[];
  readonly target: string;
}

function relativeProblem({ folder, allowed, target }: RelativeImport): string | undefined {
  const targetFolder = folderOf(target);
  if (targetFolder === folder) return undefined;
  if (!allowed.includes(targetFolder)) return `${folder}/ must not import ${target}`;
  if (folder === 'host' && targetFolder === 'storage' && !HOST_MAY_IMPORT.has(target)) {
    return `host/ may import only storage's interfaces, not ${target}`;
  }
  return undefined;
}

function banViolations({ path, text }: SourceFile): string[] {
  if (MACHINE_FOLDERS.has(folderOf(path))) return [];
  const code = withoutComments(text);
  return BANS.filter(({ pattern, except = [] }) => !except.includes(path) && pattern.test(code)).map(
    ({ pattern, instead }) => `${path}: ${pattern.exec(code)?.[0] ?? ''} is banned here, use ${instead}`,
  );
}
