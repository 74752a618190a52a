/** The set to be measured is what users run: the compiled program, and not the sources through a loader. */
const compiled = new URL('../dist/set/replica_set.js', import.meta.url);

export const { ReplicaSet } = (await import(compiled.href)) as typeof import('../src/set/replica_set.ts');
export type { ReplicaSet as RunningSet } from '../src/set/replica_set.ts';
