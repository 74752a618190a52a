import { decodePlain } from '../../bson/codec.ts';
import type { MemberData } from '../../database/member_data.ts';
import { INSERTS, PUSHES, SIM_DATABASE } from '../workload.ts';

/** The tokens of all writes that a member's data shows, as often as it shows them. */
export function tokensIn(data: MemberData): number[] {
  const tokens = documentsOf(data, INSERTS).map((document) => Number(document['n']));
  for (const document of documentsOf(data, PUSHES)) {
    const list: unknown = document['tokens'];
    if (Array.isArray(list)) tokens.push(...list.map(Number));
  }
  return tokens;
}

function documentsOf(data: MemberData, collection: string): Record<string, unknown>[] {
  const found = data.catalog.find(`${SIM_DATABASE}.${collection}`);
  if (found === undefined) return [];
  const documents: Record<string, unknown>[] = [];
  const cursor = found.documents.cursor();
  while (cursor.next()) documents.push(decodePlain(cursor.value));
  return documents;
}
