/**
 * Trees to JavaScript's syntax, for the flag `u`. Lines, options and anchors are written out, so that no other flag but
 * `i` is ever needed. Atomic groups become a look-ahead and a reference to what it captured.
 */
import { escaped } from './escapes.ts';
import type { ParsedRegex, RegexNode } from './syntax.ts';

export interface EmittedRegex {
  readonly source: string;
  readonly flags: 'u' | 'iu';
  /** JavaScript's number of each capturing group; index 0 is the whole match. */
  readonly groups: readonly number[];
}

export function emitRegex(parsed: ParsedRegex): EmittedRegex {
  const ignoresCase = allIgnoreCase(parsed.root);
  const emitter = new Emitter(ignoresCase);
  const source = emitter.node(parsed.root);
  return { source, flags: ignoresCase ? 'iu' : 'u', groups: emitter.groups };
}

/** Whether every part that knows cases ignores them. */
function allIgnoreCase(node: RegexNode): boolean {
  switch (node.kind) {
    case 'char':
    case 'backreference':
      return node.ignoreCase;
    case 'set':
      return node.ignoreCase || !/[A-Za-z\u0080-\uffff]|\\[pPu]/.test(node.source.replaceAll(/\\[sSn]/g, ''));
    case 'assertion':
      return true;
    case 'sequence':
    case 'alternation':
      return node.parts.every(allIgnoreCase);
    default:
      return allIgnoreCase(node.body);
  }
}

class Emitter {
  readonly groups: number[] = [0];
  readonly #ignoresCase: boolean;
  #opened = 0;

  constructor(ignoresCase: boolean) {
    this.#ignoresCase = ignoresCase;
  }

  node(node: RegexNode): string {
    switch (node.kind) {
      case 'char':
        return node.ignoreCase && !this.#ignoresCase ? bothCases(node.code) : escaped(node.code);
      case 'set':
        return node.ignoreCase && !this.#ignoresCase ? setInBothCases(node.source) : node.source;
      case 'assertion':
        return node.source;
      case 'sequence':
        return node.parts
          .map((part) => (part.kind === 'alternation' ? `(?:${this.node(part)})` : this.node(part)))
          .join('');
      case 'alternation':
        return node.parts.map((part) => this.node(part)).join('|');
      case 'capture':
        this.#opened++;
        this.groups[node.index] = this.#opened;
        return `(${this.node(node.body)})`;
      case 'look':
        return `(?${node.behind ? '<' : ''}${node.negative ? '!' : '='}${this.node(node.body)})`;
      case 'atomic': {
        this.#opened++;
        const own = this.#opened;
        return `(?:(?=(${this.node(node.body)}))\\${own})`;
      }
      case 'backreference':
        return `(?:\\${this.groups[node.index] ?? node.index})`;
      case 'repeat':
        return this.#repeat(node);
    }
  }

  #repeat({ body, min, max, isLazy }: Extract<RegexNode, { kind: 'repeat' }>): string {
    const count = max === Infinity ? `{${min},}` : `{${min},${max}}`;
    return `(?:${this.node(body)})${count}${isLazy ? '?' : ''}`;
  }
}

function bothCases(code: number): string {
  const char = String.fromCodePoint(code);
  const others = [char.toLowerCase(), char.toUpperCase()].filter(isOneCodePoint);
  return `[${[...new Set([char, ...others])].map((other) => escaped(other.codePointAt(0) ?? 0)).join('')}]`;
}

function isOneCodePoint(text: string): boolean {
  const code = text.codePointAt(0);
  return code !== undefined && text.length === (code > 0xffff ? 2 : 1);
}

/** A set that ignores cases among parts that do not: looked at one character of ASCII at a time. */
function setInBothCases(source: string): string {
  const set = new RegExp(source, 'iu');
  let letters = '';
  for (let code = 0x41; code <= 0x7a; code++) {
    if (/[A-Za-z]/.test(String.fromCodePoint(code)) && set.test(String.fromCodePoint(code))) letters += escaped(code);
  }
  const isNegative = source.startsWith('[^');
  if (!isNegative) return `[${letters}${source.slice(1)}`;
  return letters === '' ? `(?![A-Za-z])${source}` : `(?:[${letters}]|(?![A-Za-z])${source})`;
}
