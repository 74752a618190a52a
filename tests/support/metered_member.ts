/** A member in a process of its own whose loop is measured. */
import { join } from 'node:path';
import { MemberProcess } from '../../src/set/member_process.ts';
import { bundleModule, bundleProgram } from './bundled_program.ts';
import { MEASURED_ID } from './measured.ts';
import { startPrimary } from './single_member.ts';

export interface Measurement {
  /** Processor time of the longest rounds of the loop, the longest first. */
  readonly longestMs: readonly number[];
  /** How often the loop came round. */
  readonly rounds: number;
}

export class MeteredMember {
  readonly process: MemberProcess;

  /** A primary, alone in its set, with its files in `folder`. */
  static async start(folder: string): Promise<MeteredMember> {
    const meter = await bundleModule(join(import.meta.dirname, 'loop_meter.ts'), folder);
    const program = ['--import', meter, ...(await bundleProgram(folder))];
    const member = new MeteredMember(
      new MemberProcess({ setName: 'rs0', dbpath: folder, host: '127.0.0.1', port: 0, program }),
    );
    await startPrimary(member.process);
    return member;
  }

  private constructor(member: MemberProcess) {
    this.process = member;
  }

  /** What was measured since the last call. */
  async measured(): Promise<Measurement> {
    const { pid } = this.process;
    if (pid === undefined) throw new Error('the member does not run');
    const line = this.process.waitForLine(({ id }) => id === MEASURED_ID);
    process.kill(pid, 'SIGUSR2');
    const { attr } = await line;
    return attr as unknown as Measurement;
  }
}
