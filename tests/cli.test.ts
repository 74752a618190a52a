/** The programs as they are started from a shell, from the sources. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { StartedProgram } from './support/started_program.ts';
import { VERSION } from '../src/commands/server/version.ts';

const packageJson = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as {
  version: string;
};
const FROM_SOURCES = ['--import', 'tsx', join(import.meta.dirname, '..', 'src', 'cli', 'start.ts')];
const TEST_LIMIT_MS = 60_000;

let folder = '';
let programs: StartedProgram[] = [];

function run(...words: readonly string[]): StartedProgram {
  const program = new StartedProgram([...FROM_SOURCES, ...words]);
  programs.push(program);
  return program;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quorate-cli-'));
  programs = [];
});

afterEach(async () => {
  for (const program of programs) program.child.kill('SIGKILL');
  await Promise.all(programs.map(({ code }) => code));
  rmSync(folder, { recursive: true, force: true });
});

describe('quorate', () => {
  test(
    'up starts a set, prints its URI, stops at Ctrl-C, and finds its data again',
    async () => {
      for (const expected of [0, 1]) {
        const up = run('up', '--port', '0', '--members', '1', '--dbpath', folder);
        const [uri] = await up.says(/mongodb:\/\/\S+/);
        expect(up.output).toContain('is PRIMARY (was SECONDARY)');
        const client = new MongoClient(uri);
        const collection = client.db('test').collection('c');
        expect(await collection.countDocuments()).toBe(expected);
        await collection.insertOne({});
        await client.close();
        up.child.kill('SIGINT');
        expect(await up.code).toBe(0);
      }
    },
    TEST_LIMIT_MS,
  );

  test(
    'up says in one line why it can not start',
    async () => {
      const member = run('member', '--replSet', 'rs0', '--port', '0', '--dbpath', join(folder, 'member0'));
      await member.says(/"id":23016/);
      const up = run('up', '--port', '0', '--members', '1', '--dbpath', folder);
      expect(await up.code).toBe(100);
      expect(up.errors).toMatch(
        /^quorate: Data directory \S+ is in use: another mongod instance is already running[^\n]*\n$/,
      );
    },
    TEST_LIMIT_MS,
  );

  test(
    'status shows the members of a set',
    async () => {
      const up = run('up', '--port', '0', '--members', '1', '--dbpath', folder);
      const [uri] = await up.says(/mongodb:\/\/\S+/);
      const status = run('status', uri);
      expect(await status.code).toBe(0);
      expect(status.output).toMatch(/^set rs0, term 1\n {2}127\.0\.0\.1:\d+ {2}PRIMARY /);
    },
    TEST_LIMIT_MS,
  );

  test('--version and --help answer at once', async () => {
    const version = run('--version');
    expect(await version.code).toBe(0);
    expect(version.output).toBe(`quorate ${packageJson.version}\n`);
    const help = run('--help');
    expect(await help.code).toBe(0);
    expect(help.output).toContain('First steps');
  });

  test('a wrong command line ends with code 2 and names what is wrong', async () => {
    const program = run('member', '--replSet', 'rs0', '--frob');
    expect(await program.code).toBe(2);
    expect(program.errors).toBe("quorate: unrecognised option '--frob'\nTry 'quorate --help'.\n");
  });
});

describe('mongod', () => {
  test(
    'prints the lines tools wait for and ends cleanly at SIGTERM',
    async () => {
      const mongod = run(
        'mongod',
        '--replSet',
        'rs0',
        '--port',
        '0',
        '--dbpath',
        folder,
        '--nounixsocket',
        '--storageEngine',
        'wiredTiger',
      );
      const [line] = await mongod.says(/\{[^\n]*"id":23016[^\n]*\n/);
      expect(JSON.parse(line)).toMatchObject({
        s: 'I',
        c: 'NETWORK',
        ctx: 'listener',
        msg: 'Waiting for connections',
        attr: { port: expect.any(Number) },
      });
      mongod.child.kill('SIGTERM');
      expect(await mongod.code).toBe(0);
    },
    TEST_LIMIT_MS,
  );

  test(
    'ends with code 48 when the port is taken',
    async () => {
      const first = run('mongod', '--replSet', 'rs0', '--port', '0', '--dbpath', folder);
      const [, port = ''] = await first.says(/"id":23016.*"port":(\d+)/);
      const second = run('member', '--replSet', 'rs0', '--port', port, '--dbpath', join(folder, 'other'));
      expect(await second.code).toBe(48);
      expect(second.output).toMatch(/address already in use/);
    },
    TEST_LIMIT_MS,
  );

  test('says the version that buildInfo reports', async () => {
    const mongod = run('mongod', '--version');
    expect(await mongod.code).toBe(0);
    expect(mongod.output).toMatch(`db version v${VERSION}\n`);
  });

  test('refuses what it does not know by name', async () => {
    const mongod = run('mongod', '--replSet', 'rs0', '--config', 'x.yaml');
    expect(await mongod.code).toBe(2);
    expect(mongod.errors).toContain("option '--config' is not supported");
  });
});
