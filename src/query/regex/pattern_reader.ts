/** A pattern with the place up to which it was read, in code points; `\Q…\E` is taken apart here. */
import { CommandError } from '../../base/command_error.ts';

/** Source: recorded replies of a server. */
export function invalidRegex(reason: string): CommandError {
  return new CommandError(51091, `Regular expression is invalid: ${reason}`);
}

export class PatternReader {
  readonly #pattern: string;
  #at = 0;

  constructor(pattern: string) {
    this.#pattern = withoutQuotes(pattern);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#pattern.length;
  }

  /** The next code point without passing it; '' at the end. */
  peek(): string {
    const code = this.#pattern.codePointAt(this.#at);
    return code === undefined ? '' : String.fromCodePoint(code);
  }

  /** The next code point. Throws at the end. */
  next(): string {
    const char = this.peek();
    if (char === '') throw invalidRegex('missing )');
    this.#at += char.length;
    return char;
  }

  /** Passes `text` if it comes next. */
  take(text: string): boolean {
    if (!this.#pattern.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  /** Passes what a sticky expression matches here. */
  match(expression: RegExp): RegExpExecArray | undefined {
    expression.lastIndex = this.#at;
    const found = expression.exec(this.#pattern);
    if (found === null) return undefined;
    this.#at += found[0].length;
    return found;
  }

  /** Passes everything up to and with `text`, or to the end; whether it was there. */
  skipPast(text: string): boolean {
    const found = this.#pattern.indexOf(text, this.#at);
    this.#at = found < 0 ? this.#pattern.length : found + text.length;
    return found >= 0;
  }

  /** The name of a group, up to and with the sign that ends it. */
  name(end: string): string {
    const [text] = this.match(/[A-Za-z_][A-Za-z0-9_]{0,31}/y) ?? [];
    if (text === undefined) throw invalidRegex('subpattern name expected');
    if (!this.take(end)) throw invalidRegex('syntax error in subpattern name (missing terminator?)');
    return text;
  }
}

/** What stands between `\Q` and `\E` means itself. */
function withoutQuotes(pattern: string): string {
  if (!pattern.includes(String.raw`\Q`)) return pattern;
  return pattern.replaceAll(/\\(?:Q([\s\S]*?)(?:\\E|$)|[\s\S])/g, (whole, quoted: string | undefined) =>
    quoted === undefined ? whole : quoted.replaceAll(/[^\w\s]|[ \t\n\r\f\v]/gu, String.raw`\$&`),
  );
}
