/**
 * Tests the simulator: breaks one rule at a time in a copy of the sources and runs seeds until one fails. A broken rule
 * that no seed notices is an error, and so is a patch that does not fit the sources any more.
 *
 * `npx tsx scripts/mutations.ts [--seeds n] [words of a rule …]`
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MUTATIONS, type Mutation } from './mutation_rules.ts';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const SEEDS_DEFAULT = 60;
const MESSAGE_LENGTH_MAX = 110;

interface Verdict {
  readonly rule: string;
  /** The first seed that failed; undefined when the broken rule survived. */
  readonly seed: number | undefined;
  /** What the checker said, or why the mutation could not be tried. */
  readonly message: string;
}

const words = process.argv.slice(2);
const seedsAt = words.indexOf('--seeds');
const seeds = seedsAt === -1 ? SEEDS_DEFAULT : Number(words.splice(seedsAt, 2)[1]);
const wanted = words.join(' ');
const queue = MUTATIONS.filter(({ rule }) => rule.includes(wanted));
const verdicts: Verdict[] = [];
await Promise.all(Array.from({ length: availableParallelism() }, () => workOff(queue, verdicts)));
const survivors = verdicts.filter(({ seed }) => seed === undefined);
process.stdout.write(
  `\n${table(MUTATIONS.flatMap(({ rule }) => verdicts.filter((verdict) => verdict.rule === rule)))}`,
);
process.stdout.write(`${verdicts.length - survivors.length} of ${verdicts.length} broken rules were noticed\n`);
process.exit(survivors.length === 0 && verdicts.length > 0 ? 0 : 1);

async function workOff(mutations: Mutation[], done: Verdict[]): Promise<void> {
  for (let mutation = mutations.shift(); mutation !== undefined; mutation = mutations.shift()) {
    const verdict = await tryMutation(mutation);
    process.stderr.write(`${verdict.seed === undefined ? 'SURVIVED' : 'noticed'}  ${verdict.rule}\n`);
    done.push(verdict);
  }
}

async function tryMutation(mutation: Mutation): Promise<Verdict> {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-mutation-'));
  try {
    cpSync(join(ROOT, 'src'), join(folder, 'src'), { recursive: true });
    for (const file of ['package.json', 'tsconfig.json']) cpSync(join(ROOT, file), join(folder, file));
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'dir');
    const problem = applyPatches(folder, mutation);
    if (problem !== undefined) return { rule: mutation.rule, seed: undefined, message: problem };
    return { rule: mutation.rule, ...readVerdict(await runSeeds(folder)) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Undefined when all were applied; otherwise what does not fit. */
function applyPatches(folder: string, { patches }: Mutation): string | undefined {
  for (const { file, find, replace } of patches) {
    const path = join(folder, 'src', file);
    const parts = readFileSync(path, 'utf8').split(find);
    if (parts.length !== 2) return `the patch fits ${parts.length - 1} places of ${file}: ${find}`;
    writeFileSync(path, parts.join(replace));
  }
  return undefined;
}

function runSeeds(folder: string): Promise<string> {
  const program = ['--import', 'tsx', join('src', 'cli', 'start.ts'), 'simulate'];
  const child = spawn(process.execPath, [...program, '--seeds', String(seeds), '--until-failure'], { cwd: folder });
  const chunks: string[] = [];
  child.stdout.on('data', (chunk) => chunks.push(String(chunk)));
  child.stderr.on('data', (chunk) => chunks.push(String(chunk)));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => resolve(chunks.join('')));
  });
}

/** A run that could not even start is no proof of anything. */
function readVerdict(output: string): Omit<Verdict, 'rule'> {
  const failed = /^seed (\d+): FAILED.*\n {2}(.*)$/m.exec(output);
  if (failed !== null) return { seed: Number(failed[1]), message: failed[2] ?? '' };
  const isRight = /^\d+ runs, 0 failed/m.test(output);
  return { seed: undefined, message: isRight ? `SURVIVED ${seeds} seeds` : output.trim().slice(-200) };
}

function table(rows: readonly Verdict[]): string {
  const lines = rows.map(({ rule, seed, message }) => {
    return `| ${rule} | ${seed ?? '-'} | ${message.slice(0, MESSAGE_LENGTH_MAX).replaceAll('|', '/')} |\n`;
  });
  return `| rule | caught by seed | what the checker said |\n|---|--:|---|\n${lines.join('')}`;
}
