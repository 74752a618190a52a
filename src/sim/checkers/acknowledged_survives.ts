/**
 * Every write that was acknowledged on a majority is there in the end, and no write is there twice or was never sent. (A
 * write acknowledged by one member alone may be gone after a failover: that is what the client chose.)
 */
import { decodePlain } from '../../bson/codec.ts';
import type { MemberData } from '../../database/member_data.ts';
import { INSERTS, PUSHES, SIM_DATABASE } from '../client.ts';
import type { History } from '../history.ts';
import type { Checker } from './checker.ts';

export function acknowledgedSurvives(): Checker {
  return {
    name: 'acknowledged survives',
    verify: async (set, history) => {
      const wrong: string[] = [];
      for (const { member, index } of set.dataMembers) {
        if (member !== undefined)
          wrong.push(...compare(member.data, history).map((problem) => `member ${index}: ${problem}`));
      }
      return wrong.slice(0, 10);
    },
  };
}

function documentsOf(data: MemberData, collection: string): Record<string, unknown>[] {
  const found = data.catalog.find(`${SIM_DATABASE}.${collection}`);
  if (found === undefined) return [];
  const documents: Record<string, unknown>[] = [];
  const cursor = found.documents.cursor();
  while (cursor.next()) documents.push(decodePlain(cursor.value));
  return documents;
}

function compare(data: MemberData, history: History): string[] {
  const wrong: string[] = [];
  const present = new Set<number>();
  const note = (token: number): void => {
    if (present.has(token)) wrong.push(`write ${token} is there twice`);
    present.add(token);
  };
  for (const document of documentsOf(data, INSERTS)) note(Number(document['n']));
  for (const document of documentsOf(data, PUSHES)) {
    for (const token of listOf(document['tokens'])) note(Number(token));
  }
  const sent = new Set(history.writes.map(({ token }) => token));
  for (const token of present) if (!sent.has(token)) wrong.push(`write ${token} was never sent`);
  for (const { token, promised, outcome, sentAtMs } of history.writes) {
    if (outcome === 'acknowledged' && promised === 'majority' && !present.has(token)) {
      wrong.push(`write ${token}, sent at ${(sentAtMs / 1000).toFixed(3)} s and acknowledged by a majority, is lost`);
    }
    if (outcome === 'refused' && present.has(token)) wrong.push(`write ${token} was refused and is there`);
  }
  return wrong;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
