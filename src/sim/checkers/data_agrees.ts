/** In the end all members hold the same data, and each one's indexes fit its documents. */
import { checkCollection } from '../../database/check.ts';
import type { Checker } from './checker.ts';

export function dataAgrees(): Checker {
  return {
    name: 'data agrees',
    verify: async (set) => {
      const wrong: string[] = [];
      const hashes: string[] = [];
      for (const { member, index } of set.dataMembers) {
        if (member === undefined) continue;
        hashes.push(JSON.stringify(await member.data.hash()));
        for (const collection of member.data.catalog.collections()) {
          const { problems } = await checkCollection(member.data.env, collection);
          wrong.push(...problems.map((problem) => `member ${index}: ${problem}`));
        }
      }
      if (new Set(hashes).size > 1) wrong.push(`the data differs: ${hashes.join(' ')}`);
      return wrong.slice(0, 5);
    },
  };
}
