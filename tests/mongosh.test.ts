import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MemberProcess } from '../src/set/member_process.ts';
import { temporaryFolder } from './temporary_folder.ts';

const run = promisify(execFile);
const packageFile = createRequire(import.meta.url).resolve('mongosh/package.json');
const MONGOSH = join(dirname(packageFile), 'bin', 'mongosh.js');

/** Runs a script in mongosh and parses what it prints as its last line. */
async function mongosh(uri: string, script: string): Promise<unknown> {
  const print = `print(EJSON.stringify((function () { ${script} })()))`;
  const { stdout } = await run(process.execPath, [MONGOSH, uri, '--quiet', '--norc', '--eval', print], {
    timeout: 60_000,
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

describe('mongosh', () => {
  const folder = temporaryFolder();
  const members = [0, 1, 2].map(
    (index) =>
      new MemberProcess({ setName: 'rs0', dbpath: join(folder.path, `m${index}`), host: '127.0.0.1', port: 0 }),
  );
  const direct = (index: number): string => `mongodb://${members[index]?.address}/?directConnection=true`;
  const uri = (): string => `mongodb://${members.map(({ address }) => address).join(',')}/test?replicaSet=rs0`;

  beforeAll(async () => {
    await Promise.all(members.map((member) => member.start()));
  });

  afterAll(async () => {
    await Promise.all(members.map((member) => member.stop()));
    folder.remove();
  });

  test('initiates a set', async () => {
    const list = members.map(({ address }, _id) => ({ _id, host: address }));
    const reply = await mongosh(direct(0), `return rs.initiate({ _id: 'rs0', members: ${JSON.stringify(list)} })`);
    expect(reply).toMatchObject({ ok: 1 });
  });

  test('writes and reads through the set', async () => {
    const script = `
      db.places.insertMany([{ _id: 1, name: 'Oslo' }, { _id: 2, name: 'Rome' }], { writeConcern: { w: 3 } });
      db.places.insertOne({ _id: 3, name: 'Bonn' });
      return { found: db.places.find({ _id: { $gte: 2 } }).sort({ _id: -1 }).toArray(), count: db.places.countDocuments() }`;
    expect(await mongosh(uri(), script)).toEqual({
      found: [
        { _id: 3, name: 'Bonn' },
        { _id: 2, name: 'Rome' },
      ],
      count: 3,
    });
  });

  test('shows status, configuration and hello', async () => {
    const script = `
      const isUp = ({ members }) => members.every((m) => ['PRIMARY', 'SECONDARY'].includes(m.stateStr));
      while (!isUp(rs.status())) sleep(20);
      const { members, set } = rs.status();
      const { _id, version, members: configured } = rs.conf();
      const { setName, isWritablePrimary, hosts } = db.hello();
      return { set, states: members.map((m) => m.stateStr).sort(), _id, version, count: configured.length, setName, isWritablePrimary, hosts: hosts.length }`;
    expect(await mongosh(uri(), script)).toEqual({
      set: 'rs0',
      states: ['PRIMARY', 'SECONDARY', 'SECONDARY'],
      _id: 'rs0',
      version: 1,
      count: 3,
      setName: 'rs0',
      isWritablePrimary: true,
      hosts: 3,
    });
  });

  test('reads the oplog backwards', async () => {
    const script = `return db.getSiblingDB('local').oplog.rs.find().sort({ $natural: -1 }).limit(10).toArray()
      .filter((entry) => entry.op === 'i').map((entry) => ({ op: entry.op, ns: entry.ns, id: entry.o._id }))`;
    expect(await mongosh(uri(), script)).toEqual([
      { op: 'i', ns: 'test.places', id: 3 },
      { op: 'i', ns: 'test.places', id: 2 },
      { op: 'i', ns: 'test.places', id: 1 },
    ]);
  });

  test('reads on a secondary', async () => {
    const script = `
      const secondary = rs.status().members.find((m) => m.stateStr === 'SECONDARY').name;
      const other = new Mongo('mongodb://' + secondary + '/?directConnection=true');
      other.setReadPref('secondaryPreferred');
      return other.getDB('test').places.find().toArray().length`;
    expect(await mongosh(uri(), script)).toBe(3);
  });

  test('answers what administrators ask', async () => {
    const script = `
      db.places.find().toArray();
      const roles = db.getRoles({ showBuiltinRoles: 1 }).roles ?? db.getRoles({ showBuiltinRoles: 1 });
      return {
        users: db.getUsers().users,
        roles: roles.map(({ role }) => role),
        reads: db.places.latencyStats()[0].latencyStats.reads.ops > 0,
        top: db.adminCommand({ top: 1 }).totals['test.places'].insert.count > 0,
        size: db.places.dataSize() > 0,
        valid: db.places.validate().valid,
        running: db.currentOp().inprog.length > 0,
        queries: db.serverStatus().metrics.commands.find.total > 0,
        level: db.getLogComponents().verbosity,
        profiling: db.getProfilingStatus().was,
      }`;
    expect(await mongosh(uri(), script)).toEqual({
      users: [],
      roles: ['dbAdmin', 'dbOwner', 'enableSharding', 'read', 'readWrite', 'userAdmin'],
      reads: true,
      top: true,
      size: true,
      valid: true,
      running: true,
      queries: true,
      level: 0,
      profiling: 0,
    });
  });

  test('steps the primary down, and another takes the writes', async () => {
    const script = `
      const before = db.hello().primary;
      rs.stepDown();
      db.places.insertOne({ _id: 4, name: 'Kyiv' }, { writeConcern: { w: 'majority' } });
      const after = db.hello().primary;
      return { moved: before !== after, count: db.places.countDocuments() }`;
    expect(await mongosh(uri(), script)).toEqual({ moved: true, count: 4 });
  });
});
