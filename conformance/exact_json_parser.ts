/** Exact JSON text to a tree. */
import type { Entry, Tree } from './tree.ts';

/** Throws SyntaxError with the offset. */
export function parseText(text: string): Tree {
  return new Parser(text).parse();
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Tree {
    const root = this.#value();
    this.#skipSpace();
    if (this.#at !== this.#text.length) this.#fail('unexpected text');
    return root;
  }

  #fail(what: string): never {
    throw new SyntaxError(
      `${what} at offset ${this.#at}: ${JSON.stringify(this.#text.slice(this.#at, this.#at + 40))}`,
    );
  }

  #skipSpace(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++;
  }

  /** Whether the next character is `ch`; if so it is passed. */
  #accept(ch: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== ch) return false;
    this.#at++;
    return true;
  }

  #expect(ch: string): void {
    if (!this.#accept(ch)) this.#fail(`expected ${ch}`);
  }

  #match(pattern: RegExp, what: string): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) return this.#fail(`expected ${what}`);
    this.#at += found.length;
    return found;
  }

  #string(): string {
    this.#skipSpace();
    return String(JSON.parse(this.#match(/"(?:[^"\\]|\\.)*"/sy, 'a string')));
  }

  #value(): Tree {
    this.#skipSpace();
    if (this.#accept('{')) return { kind: 'object', entries: this.#list('}', () => this.#entry()) };
    if (this.#accept('[')) return { kind: 'array', items: this.#list(']', () => this.#value()) };
    if (this.#text[this.#at] === '"') return { kind: 'string', value: this.#string() };
    const found = this.#match(/-?\d+(\.\d+)?([eE][+-]?\d+)?|true|false|null/y, 'a value');
    if (found === 'null') return { kind: 'literal', value: null };
    return /^[tf]/.test(found) ? { kind: 'literal', value: found === 'true' } : { kind: 'number', text: found };
  }

  #entry(): Entry {
    const key = this.#string();
    this.#expect(':');
    return [key, this.#value()];
  }

  #list<Item>(end: string, item: () => Item): Item[] {
    const items: Item[] = [];
    if (this.#accept(end)) return items;
    do items.push(item());
    while (this.#accept(','));
    this.#expect(end);
    return items;
  }
}
