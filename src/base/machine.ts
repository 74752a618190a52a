/** What a member tells of its machine and its process. Implemented by the host; for serverStatus and hostInfo. */

export interface Machine {
  readonly hostName: string;
  readonly processId: number;
  readonly cpuCount: number;
  readonly memoryTotalBytes: number;
  /** As 'x86_64'. */
  readonly architecture: string;
  /** As 'Linux', and its version. */
  readonly osType: string;
  readonly osVersion: string;
  /** Bytes of the process, now. */
  memory(): { readonly residentBytes: number; readonly heapBytes: number };
  /** Processor time used so far. */
  cpu(): { readonly userMicros: number; readonly systemMicros: number };
}

/** For tests and the simulator. */
export const NO_MACHINE: Machine = {
  hostName: 'localhost',
  processId: 1,
  cpuCount: 1,
  memoryTotalBytes: 0,
  architecture: 'x86_64',
  osType: 'Linux',
  osVersion: '',
  memory: () => ({ residentBytes: 0, heapBytes: 0 }),
  cpu: () => ({ userMicros: 0, systemMicros: 0 }),
};
