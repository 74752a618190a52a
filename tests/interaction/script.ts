/**
 * Scripts of commands with their expected output, in the manner of etcd's datadriven tests:
 *
 *     # comment
 *     command argument name=value
 *     ----
 *     output, up to an empty line
 */

export interface Block {
  /** Comment and empty lines before the command. */
  readonly lead: readonly string[];
  readonly commands: readonly string[];
  readonly expected: readonly string[];
}

const SEPARATOR = '----';

export function parseScript(text: string): Block[] {
  const blocks: Block[] = [];
  let lead: string[] = [];
  let commands: string[] = [];
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? '';
    if (line === SEPARATOR) {
      const end = lines.indexOf('', i + 1);
      const stop = end < 0 ? lines.length : end;
      blocks.push({ lead, commands, expected: lines.slice(i + 1, stop) });
      i = stop;
      lead = [];
      commands = [];
    } else if (commands.length === 0 && (line === '' || line.startsWith('#'))) {
      lead.push(line);
    } else if (line !== '') {
      commands.push(line);
    }
  }
  if (commands.length > 0) blocks.push({ lead, commands, expected: [] });
  return blocks;
}

/** The script with the output it really gave. */
export function renderScript(blocks: readonly { block: Block; output: readonly string[] }[]): string {
  const parts = blocks.map(({ block, output }) =>
    [...block.lead, ...block.commands, SEPARATOR, ...output, ''].join('\n'),
  );
  return parts.join('\n').replace(/\n+$/, '\n');
}

/** A command line: its name, its plain arguments, and its `name=value` options. */
export interface CommandLine {
  readonly name: string;
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, string>>;
}

export function parseCommand(line: string): CommandLine {
  const [name = '', ...rest] = line.split(/\s+/);
  const words = rest.filter((word) => !word.includes('='));
  const options: Record<string, string> = {};
  for (const word of rest) {
    const at = word.indexOf('=');
    if (at > 0) options[word.slice(0, at)] = word.slice(at + 1);
  }
  return { name, words, options };
}
