/** Reading command lines: options by table, `--name value` and `--name=value`, unknown ones refused by name. */

/** What one option takes. */
export type OptionKind = 'flag' | 'text' | 'integer' | 'list';

export interface OptionSpec {
  readonly kind: OptionKind;
  /** A one-letter or other name for the same option, without dashes. */
  readonly alias?: string;
  /** Shown in help as `--name <placeholder>`. */
  readonly placeholder?: string;
  readonly help: string;
}

export type OptionTable = Readonly<Record<string, OptionSpec>>;

/** The command line is wrong; the message is for the user. */
export class UsageError extends Error {
  override get name(): string {
    return 'UsageError';
  }
}

/** Parsed options by name, and what is not an option. */
export class ParsedArguments {
  readonly positionals: readonly string[];
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>, positionals: readonly string[]) {
    this.#values = values;
    this.positionals = positionals;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The last value given, as MongoDB's programs take it. */
  text(name: string): string | undefined {
    return this.#values.get(name)?.at(-1);
  }

  integer(name: string): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : Number(text);
  }

  /** All values given, in order. */
  list(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }
}

/** Throws {@link UsageError}. */
export function parseArguments(table: OptionTable, words: readonly string[]): ParsedArguments {
  const values = new Map<string, string[]>();
  const positionals: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (!word.startsWith('-') || word === '-') {
      positionals.push(word);
      continue;
    }
    const { name, spec, inline } = findOption(table, word);
    const takesNext = spec.kind !== 'flag' && inline === undefined;
    const value = takesNext ? nextValue(name, words[at + 1]) : givenValue(word, { name, spec, inline });
    if (takesNext) at += 1;
    checkValue(name, spec, value);
    values.set(name, spec.kind === 'flag' ? [] : [...(values.get(name) ?? []), value]);
  }
  return new ParsedArguments(values, positionals);
}

interface FoundOption {
  readonly name: string;
  readonly spec: OptionSpec;
  readonly inline: string | undefined;
}

function findOption(table: OptionTable, word: string): FoundOption {
  const bare = word.replace(/^--?/, '');
  const equals = bare.indexOf('=');
  const given = equals === -1 ? bare : bare.slice(0, equals);
  const inline = equals === -1 ? undefined : bare.slice(equals + 1);
  for (const [name, spec] of Object.entries(table)) {
    if (given === name || given === spec.alias) return { name, spec, inline };
  }
  throw new UsageError(`unrecognised option '${word}'`);
}

function nextValue(name: string, next: string | undefined): string {
  if (next === undefined || next === '' || next.startsWith('--'))
    throw new UsageError(`option --${name} needs a value`);
  return next;
}

function givenValue(word: string, { name, spec, inline = '' }: FoundOption): string {
  if (spec.kind === 'flag' && word.includes('=')) throw new UsageError(`option '${word}' takes no value`);
  if (spec.kind !== 'flag' && inline === '') throw new UsageError(`option --${name} needs a value`);
  return inline;
}

function checkValue(name: string, spec: OptionSpec, value: string): void {
  if (spec.kind !== 'integer') return;
  if (!/^\d+$/.test(value)) throw new UsageError(`option --${name} needs a whole number, not '${value}'`);
}

/** The option part of a help text, one line per option. */
export function describeOptions(table: OptionTable): string {
  const rows = Object.entries(table).map(([name, spec]) => ({
    left: `  --${name}${spec.kind === 'flag' ? '' : ` <${spec.placeholder ?? spec.kind}>`}`,
    help: spec.help,
  }));
  const width = Math.max(...rows.map(({ left }) => left.length)) + 2;
  return rows.map(({ left, help }) => `${left.padEnd(width)}${help}\n`).join('');
}
