/**
 * What a user sees when a member cannot start: one line that says what is wrong, and MongoDB's exit code. By way of all
 * three programs: `quorate member`, `quorate up` and `mongod`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { bundlePackage, type BundledPackage } from './support/bundled_program.ts';
import { smallDisk, whyNoSmallDisk } from './support/small_disk.ts';
import { StartedProgram } from './support/started_program.ts';
import { temporaryFolder, type TemporaryFolder } from './temporary_folder.ts';

const TEST_LIMIT_MS = 60_000;
const BOUND_READY = /"id":23016.*"port":(\d+)/;

let installation: TemporaryFolder;
let bundled: BundledPackage;
let folder: TemporaryFolder;
let programs: StartedProgram[];

beforeAll(async () => {
  installation = temporaryFolder();
  bundled = await bundlePackage(installation.path);
});

afterAll(() => installation.remove());

beforeEach(() => {
  folder = temporaryFolder();
  programs = [];
});

afterEach(async () => {
  for (const { child } of programs) child.kill('SIGKILL');
  await Promise.all(programs.map(({ code }) => code));
  folder.remove();
});

type ProgramName = 'member' | 'up' | 'mongod';
const PROGRAMS: readonly ProgramName[] = ['member', 'up', 'mongod'];

interface Place {
  /** The data folder of the (first) member. */
  readonly dbpath: string;
  readonly port?: string;
  readonly setName?: string;
}

/** Starts a program on a member's data folder, which for `up` is that of its first member. */
function start(name: ProgramName, { dbpath, port = '0', setName = 'rs0' }: Place, ...more: string[]): StartedProgram {
  const place = ['--replSet', setName, '--port', port, '--dbpath'];
  const up = [...bundled.quorate, 'up', '--members', '1', ...place, join(dbpath, '..')];
  const words = {
    member: [...bundled.quorate, 'member', ...place, dbpath],
    up,
    mongod: [...bundled.mongod, ...place, dbpath],
  }[name];
  const program = new StartedProgram([...words, ...more]);
  programs.push(program);
  return program;
}

function run(words: readonly string[]): StartedProgram {
  const program = new StartedProgram(words);
  programs.push(program);
  return program;
}

/** The one complaint of a program that ended: `up` says it as a line, members log it. */
async function complaintOf(name: ProgramName, program: StartedProgram): Promise<string> {
  await program.code;
  if (name === 'up') {
    expect(program.errors).toMatch(/^quorate: [^\n]*\n$/);
    return program.errors.slice('quorate: '.length).trimEnd();
  }
  expect(program.errors).toBe('');
  const lines = program.output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { s: string; msg: string; attr?: { error?: string; stack?: string } })
    .filter(({ s }) => s === 'E' || s === 'F');
  expect(lines).toHaveLength(1);
  expect(lines[0]?.attr).not.toHaveProperty('stack');
  return lines[0]?.attr?.error ?? '';
}

async function expectFailure(
  name: ProgramName,
  program: StartedProgram,
  expected: { readonly code: number; readonly says: string | RegExp },
): Promise<void> {
  const complaint = await complaintOf(name, program);
  if (typeof expected.says === 'string') expect(complaint).toContain(expected.says);
  else expect(complaint).toMatch(expected.says);
  expect(await program.code).toBe(expected.code);
}

/** A member's folder with some data, whose member has ended. */
async function usedFolder(): Promise<string> {
  const dbpath = join(folder.path, 'member0');
  const up = run([...bundled.quorate, 'up', '--members', '1', '--port', '0', '--dbpath', folder.path]);
  await up.says(/mongodb:\/\/\S+/);
  up.child.kill('SIGTERM');
  expect(await up.code).toBe(0);
  return dbpath;
}

describe.each(PROGRAMS)('%s', (name) => {
  test(
    'says that the port is in use, and ends with 48',
    async () => {
      const other = join(folder.path, 'other');
      mkdirSync(other);
      const [, port = ''] = await start('mongod', { dbpath: other }).says(BOUND_READY);
      const dbpath = join(folder.path, 'set', 'member0');
      mkdirSync(dbpath, { recursive: true });
      await expectFailure(name, start(name, { dbpath, port }), {
        code: 48,
        says: /^127\.0\.0\.1:\d+: .*address already in use/,
      });
    },
    TEST_LIMIT_MS,
  );

  test(
    'says that a running member holds the folder, and ends with 100',
    async () => {
      const dbpath = join(folder.path, 'member0');
      mkdirSync(dbpath);
      await start('mongod', { dbpath }).says(BOUND_READY);
      await expectFailure(name, start(name, { dbpath }), {
        code: 100,
        says: `Data directory ${dbpath} is in use: another mongod instance is already running on it (process `,
      });
      expect(existsSync(join(dbpath, 'member.lock'))).toBe(true);
    },
    TEST_LIMIT_MS,
  );

  test('says that the data folder is no folder, and ends with 100', async () => {
    const dbpath = join(folder.path, 'member0');
    writeFileSync(dbpath, 'a file');
    await expectFailure(name, start(name, { dbpath }), { code: 100, says: dbpath });
  });

  const whyNot = whyNoSmallDisk();
  test.skipIf(whyNot !== undefined)(
    `says that the folder is not writable, and ends with 100${whyNot === undefined ? '' : ` (skipped: ${whyNot})`}`,
    async () => {
      const disk = smallDisk(1);
      try {
        const dbpath = join(disk.path, 'member0');
        mkdirSync(dbpath);
        expect(spawnSync('mount', ['-o', 'remount,ro', disk.path]).status).toBe(0);
        await expectFailure(name, start(name, { dbpath }), {
          code: 100,
          says: `Data directory ${dbpath} is not writable`,
        });
      } finally {
        disk.remove();
      }
    },
  );

  test('says that another version wrote the data, and ends with 62', async () => {
    const dbpath = await usedFolder();
    const state = join(dbpath, 'member.state');
    const bytes = readFileSync(state);
    writeFileSync(state, Buffer.from([...bytes.subarray(0, 4), 99, ...bytes.subarray(5)]));
    await expectFailure(name, start(name, { dbpath }), {
      code: 62,
      says: 'the data is of version 99, this program reads version 1',
    });
    writeFileSync(state, bytes);
    writeFileSync(join(dbpath, 'base', 'format'), 'quorate base store, format 99\n');
    await expectFailure(name, start(name, { dbpath }), {
      code: 62,
      says: 'was written by another version of this program: its format is "quorate base store, format 99"',
    });
  });

  test('says where a journal is damaged that has records after that place, and ends with 14', async () => {
    const dbpath = await usedFolder();
    const [segment = ''] = readdirSync(join(dbpath, 'journal')).filter((file) => file.startsWith('segment-'));
    const path = join(dbpath, 'journal', segment);
    const bytes = readFileSync(path);
    // In the first record, behind the headers of the segment and of the record.
    bytes.writeUInt8(bytes.readUInt8(4200) ^ 4, 4200);
    writeFileSync(path, bytes);
    await expectFailure(name, start(name, { dbpath }), {
      code: 14,
      says: `the journal is damaged: record 1 in journal/${segment} at offset 4096 is not readable`,
    });
  });

  test('says that the base store or the state is damaged, and ends with 14', async () => {
    const dbpath = await usedFolder();
    const state = join(dbpath, 'member.state');
    const bytes = readFileSync(state);
    writeFileSync(state, Buffer.from([...bytes.subarray(0, 40), 255, ...bytes.subarray(41)]));
    await expectFailure(name, start(name, { dbpath }), { code: 14, says: 'member.state is damaged' });
    writeFileSync(state, bytes);
    const blocks = join(dbpath, 'base', 'blocks.mdb');
    writeFileSync(blocks, readFileSync(blocks).fill(0x55, 0, 64));
    await expectFailure(name, start(name, { dbpath }), { code: 14, says: `the base store is damaged: ${blocks}` });
  });

  test('says that the data belongs to another set, and ends with 2', async () => {
    const dbpath = await usedFolder();
    await expectFailure(name, start(name, { dbpath, setName: 'other' }), {
      code: 2,
      says: "the data belongs to the replica set 'rs0', not to 'other'",
    });
  });

  test('says which server parameter is unknown or wrong, and ends with 2', async () => {
    const dbpath = join(folder.path, 'member0');
    mkdirSync(dbpath);
    await expectFailure(name, start(name, { dbpath }, '--setParameter', 'frob=1'), {
      code: 2,
      says: "Unknown --setParameter 'frob'",
    });
    await expectFailure(name, start(name, { dbpath }, '--setParameter', 'journalSegmentSizeMB=lots'), {
      code: 2,
      says: 'Bad value for parameter "journalSegmentSizeMB": lots',
    });
  });

  test.each([
    ['an unknown option', ['--frob'], "unrecognised option '--frob'"],
    ['a missing value', ['--port'], 'option --port needs a value'],
    ['an option in place of a value', ['--dbpath', '--port'], 'option --dbpath needs a value'],
    ['a wrong number', ['--oplogSize', 'big'], "option --oplogSize needs a whole number, not 'big'"],
    ['a parameter without value', ['--setParameter', 'a'], "--setParameter needs name=value, not 'a'"],
    ['something that is no option', ['frob'], 'frob'],
  ])('names %s, and ends with 2', async (_, words, says) => {
    const program = start(name, { dbpath: join(folder.path, 'member0') }, ...words);
    expect(await program.code).toBe(2);
    expect(program.output).toBe('');
    expect(program.errors.split('\n')[0]).toContain(says);
    // The complaint, and where help is.
    expect(program.errors.trimEnd().split('\n')).toHaveLength(2);
    expect(readdirSync(folder.path)).toEqual([]);
  });
});

test.each(['member', 'mongod'] as const)('%s needs the name of a set', async (name) => {
  const words = name === 'member' ? [...bundled.quorate, 'member'] : bundled.mongod;
  const program = run([...words, '--dbpath', folder.path, '--port', '0']);
  expect(await program.code).toBe(2);
  expect(program.errors).toContain('--replSet');
});
