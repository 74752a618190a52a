/** P11: resident memory of the members' processes, from /proc; what is mapped from files counts apart. */
import { readFileSync } from 'node:fs';
import type { Metric } from './metrics.ts';
import type { ReportedRow } from './report.ts';

const METRIC: Omit<Metric, 'key'> = { unit: 'MiB', better: 'lower' };

export const MEMORY_ROW: ReportedRow = {
  name: 'P11',
  title: 'resident memory of a member besides mapped pages',
  aim: '80 MB idle',
  metrics: [
    { ...METRIC, key: 'idle', label: 'idle' },
    { ...METRIC, key: 'end', label: 'at the end' },
  ],
};

/** Resident memory without pages of files, in MiB. Throws when there is no such process. */
export function residentMebibytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const kilobytes = (name: string): number => {
    const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status);
    if (match === null) throw new Error(`process ${pid} has no ${name}`);
    return Number(match[1]);
  };
  return (kilobytes('VmRSS') - kilobytes('RssFile')) / 1024;
}
