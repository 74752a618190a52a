import { Double, ObjectId } from 'bson';
import { describe, expect, test } from 'vitest';
import { configOf } from '../../tests/support/replication.ts';
import { configToDocument } from './config_document.ts';
import { parseConfig } from './config_parse.ts';

const MEMBER = { _id: 0, host: 'a:1' };
const config = (change: Record<string, unknown>) => ({ _id: 'rs0', version: 1, members: [MEMBER], ...change });
const member = (change: Record<string, unknown>) => config({ members: [{ ...MEMBER, ...change }] });

describe('a config document', () => {
  test('gets every default', () => {
    const parsed = parseConfig(config({}));
    expect(configToDocument(parsed, { isInternal: false })).toEqual({
      _id: 'rs0',
      version: 1,
      members: [
        {
          _id: 0,
          host: 'a:1',
          arbiterOnly: false,
          buildIndexes: true,
          hidden: false,
          priority: new Double(1),
          tags: {},
          secondaryDelaySecs: 0n,
          votes: 1,
        },
      ],
      protocolVersion: 1n,
      writeConcernMajorityJournalDefault: true,
      settings: {
        chainingAllowed: true,
        heartbeatIntervalMillis: 2000,
        heartbeatTimeoutSecs: 10,
        electionTimeoutMillis: 10_000,
        catchUpTimeoutMillis: -1,
        catchUpTakeoverDelayMillis: 30_000,
        getLastErrorModes: {},
        getLastErrorDefaults: { w: 1, wtimeout: 0 },
      },
    });
  });

  test('is the same after it was written and read again', () => {
    const first = configOf(
      [
        { tags: { dc: 'east' }, priority: 2.5 },
        { hidden: true, priority: 0, secondaryDelaySecs: 3600, tags: { dc: 'west' } },
        { arbiterOnly: true },
        { newlyAdded: true },
      ],
      { settings: { getLastErrorModes: { both: { dc: 2 } }, replicaSetId: new ObjectId('5f'.repeat(12)) } },
    );
    expect(parseConfig(configToDocument(first, { isInternal: true }))).toEqual(first);
  });

  test('gets the default port and drops an arbiter to priority 0', () => {
    const parsed = parseConfig(config({ members: [MEMBER, { _id: 1, host: 'b', arbiterOnly: true }] }));
    expect([parsed.members[1]?.host, parsed.members[1]?.priority]).toEqual(['b:27017', 0]);
  });

  test.each([
    [
      config({ members: [] }),
      'Replica set configuration contains 0 members, but must have at least 1 and no more than  50',
    ],
    [{ _id: 'rs0', version: 1 }, "BSON field 'ReplSetConfig.members' is missing but a required field"],
    [{ version: 1, members: [MEMBER] }, "BSON field 'ReplSetConfig._id' is missing but a required field"],
    [config({ version: 0 }), "BSON field 'version' value must be > 0, actual value '0'"],
    [config({ bogus: 1 }), "BSON field 'ReplSetConfig.bogus' is an unknown field."],
    [config({ protocolVersion: 0n }), "BSON field 'protocolVersion' value must be >= 1, actual value '0'"],
    [
      member({ bogus: 1 }),
      'member: { _id: 0, host: "a:1", bogus: 1 } :: caused by :: ' +
        "BSON field 'MemberConfig.bogus' is an unknown field.",
    ],
    [
      config({ members: [{ _id: 0 }] }),
      "member: { _id: 0 } :: caused by :: BSON field 'MemberConfig.host' is missing but a required field",
    ],
    [
      member({ hidden: true }),
      'member: { _id: 0, host: "a:1", hidden: true } :: caused by :: priority must be 0 when hidden=true',
    ],
    [
      member({ votes: 2 }),
      'member: { _id: 0, host: "a:1", votes: 2 } :: caused by :: ' +
        "BSON field 'votes' value must be <= 1, actual value '2'",
    ],
    [
      member({ priority: 1001 }),
      'member: { _id: 0, host: "a:1", priority: 1001 } :: caused by :: ' +
        "BSON field 'priority' value must be <= 1000, actual value '1001'",
    ],
    [
      member({ priority: 0 }),
      'Replica set configuration must contain at least one non-arbiter member with priority > 0',
    ],
    [
      config({ members: [MEMBER, { _id: 0, host: 'b:1' }] }),
      'Found two member configurations with same _id field, members.0._id == members.1._id == MemberId(0)',
    ],
    [
      config({ members: [MEMBER, { _id: 1, host: 'a:1' }] }),
      'Found two member configurations with same host field, members.0.host == members.1.host == a:1',
    ],
    [
      config({
        members: [
          { _id: 0, host: 'localhost:1' },
          { _id: 1, host: '10.1.2.3:1' },
        ],
      }),
      'Either all host names in a replica set configuration must be localhost references, or none must be; found 1 out of 2',
    ],
    [
      config({ members: Array.from({ length: 8 }, (_, i) => ({ _id: i, host: `h${i}:1` })) }),
      'Replica set configuration contains 8 voting members, but must be at least 1 and no more than 7',
    ],
    [
      config({ settings: { electionTimeoutMillis: 0 } }),
      "BSON field 'electionTimeoutMillis' value must be > 0, actual value '0'",
    ],
    [config({ settings: { getLastErrorModes: { a: { dc: 1 } } } }), 'No replica set tag key dc in config'],
  ])('is refused when wrong: %#', (document, message) => {
    expect(() => parseConfig(document)).toThrow(expect.objectContaining({ code: 93, message }));
  });
});
