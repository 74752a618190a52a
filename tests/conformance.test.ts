import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readExpectedDifferences, readPassing, runFiles } from '../conformance/run.ts';
import { scenarioFiles } from '../conformance/scenario.ts';
import { ReplicaSet } from '../src/set/replica_set.ts';

const passing = readPassing();
const expected = readExpectedDifferences();

/** Everything but replication's own commands, which are built step by step, has no failure that is not explained. */
const isExplained = (file: string): boolean =>
  !file.startsWith('scenarios/replset/') && file !== 'documented/change-streams';

describe('scenarios that passed once', () => {
  let set: ReplicaSet;

  beforeAll(async () => {
    set = await ReplicaSet.start({ members: 3 });
  });

  afterAll(async () => {
    await set.stop();
  });

  const files = scenarioFiles().filter((file) => passing.some((id) => id.startsWith(`${file} › `)));
  const stepsIn = (file: string, steps: readonly { readonly scenario: string; readonly step: number }[]): string[] =>
    steps
      .filter(({ scenario }) => scenario.startsWith(`${file} › `))
      .map(({ scenario, step }) => `${scenario}, step ${step}`)
      .sort();

  test('are a list of scenarios that exist', () => {
    expect(passing.length).toBeGreaterThan(0);
    expect(passing.filter((id) => !files.some((file) => id.startsWith(`${file} › `)))).toEqual([]);
  });

  test.each(files)('still pass: %s', async (file) => {
    const wanted = passing.filter((id) => id.startsWith(`${file} › `));
    const result = await runFiles(set.members[0]?.address ?? '', [file], {
      only: '',
      comparesMessages: false,
      onFile: () => {},
    });
    const failed = new Set(wanted.filter((id) => !result.passing.includes(id)));
    expect(result.failures.filter(({ scenario }) => failed.has(scenario))).toEqual([]);
    expect([...failed]).toEqual([]);
    if (isExplained(file)) expect(stepsIn(file, result.failures)).toEqual(stepsIn(file, expected));
  });

  test('explain a failure only where failures are explained', () => {
    expect(
      expected.filter(({ scenario }) => !files.some((file) => scenario.startsWith(`${file} › `) && isExplained(file))),
    ).toEqual([]);
  });
});
