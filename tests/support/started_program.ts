/** A started program with all it said so far. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';

export class StartedProgram {
  readonly child: ChildProcessWithoutNullStreams;
  readonly code: Promise<number | null>;
  output = '';
  errors = '';

  /** @param words Node's arguments, the main file, and the program's own arguments */
  constructor(words: readonly string[]) {
    this.child = spawn(process.execPath, words, { stdio: 'pipe' });
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => (this.errors += text));
    this.code = new Promise((resolve) => this.child.once('close', resolve));
  }

  /** The first match in what it says on standard output; rejects when it ends without. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    const heard = new Promise<RegExpExecArray>((resolve) => {
      const look = (): void => {
        const match = pattern.exec(this.output);
        if (match !== null) resolve(match);
      };
      this.child.stdout.on('data', look);
      look();
    });
    const ended = this.code.then((code) => {
      throw new Error(`ended with ${code} before it said ${pattern}:\n${this.output}${this.errors}`);
    });
    ended.catch(() => {});
    return await Promise.race([heard, ended]);
  }
}
