/** Patterns as programs for the bounded matcher. */
import { REGEX_PROGRAM_MAX } from '../../base/limits.ts';
import { escaped } from './escapes.ts';
import { invalidRegex } from './pattern_reader.ts';
import type { ParsedRegex, RegexNode } from './syntax.ts';

export type Instruction =
  | { readonly kind: 'one'; readonly test: (char: string) => boolean }
  /** `expression` is sticky. */
  | { readonly kind: 'assertion'; readonly expression: RegExp }
  /** Tries `first`, later `other`. */
  | { readonly kind: 'split'; readonly first: number; readonly other: number }
  | { readonly kind: 'jump'; readonly to: number }
  | { readonly kind: 'save' | 'progress'; readonly slot: number }
  | { readonly kind: 'atomic'; readonly body: readonly Instruction[] }
  | { readonly kind: 'ahead' | 'behind'; readonly negative: boolean; readonly body: readonly Instruction[] }
  | { readonly kind: 'backreference'; readonly index: number; readonly ignoreCase: boolean };

export interface Program {
  readonly main: readonly Instruction[];
  /** Two for each group, the whole match included, and one for each repetition. */
  readonly slots: number;
}

export function buildProgram({ root, groupCount }: ParsedRegex): Program {
  const builder = new ProgramBuilder(groupCount * 2 + 2);
  const main = builder.program(root);
  return { main, slots: builder.slots };
}

class ProgramBuilder {
  slots: number;
  #size = 0;

  constructor(slots: number) {
    this.slots = slots;
  }

  program(node: RegexNode): Instruction[] {
    const code: Instruction[] = [];
    this.#node(node, code);
    return code;
  }

  #push(code: Instruction[], instruction: Instruction): number {
    this.#size++;
    if (this.#size > REGEX_PROGRAM_MAX) throw invalidRegex('regular expression is too large');
    return code.push(instruction) - 1;
  }

  #node(node: RegexNode, code: Instruction[]): void {
    switch (node.kind) {
      case 'char':
        this.#push(code, { kind: 'one', test: charTest(escaped(node.code), node.ignoreCase) });
        break;
      case 'set':
        this.#push(code, { kind: 'one', test: charTest(node.source, node.ignoreCase) });
        break;
      case 'assertion':
        this.#push(code, { kind: 'assertion', expression: new RegExp(node.source, 'uy') });
        break;
      case 'sequence':
        for (const part of node.parts) this.#node(part, code);
        break;
      case 'alternation':
        this.#alternation(node.parts, code);
        break;
      case 'capture':
        this.#push(code, { kind: 'save', slot: node.index * 2 });
        this.#node(node.body, code);
        this.#push(code, { kind: 'save', slot: node.index * 2 + 1 });
        break;
      case 'look':
        this.#push(code, {
          kind: node.behind ? 'behind' : 'ahead',
          negative: node.negative,
          body: this.program(node.body),
        });
        break;
      case 'atomic':
        this.#push(code, { kind: 'atomic', body: this.program(node.body) });
        break;
      case 'backreference':
        this.#push(code, node);
        break;
      case 'repeat':
        this.#repeat(node, code);
    }
  }

  #alternation(parts: readonly RegexNode[], code: Instruction[]): void {
    const jumps: number[] = [];
    for (const [i, part] of parts.entries()) {
      const isLast = i === parts.length - 1;
      const split = isLast ? -1 : this.#push(code, PLACEHOLDER);
      this.#node(part, code);
      if (isLast) break;
      jumps.push(this.#push(code, PLACEHOLDER));
      code[split] = { kind: 'split', first: split + 1, other: code.length };
    }
    for (const jump of jumps) code[jump] = { kind: 'jump', to: code.length };
  }

  #repeat({ body, min, max, isLazy }: Extract<RegexNode, { kind: 'repeat' }>, code: Instruction[]): void {
    for (let i = 0; i < min; i++) this.#node(body, code);
    if (max === Infinity) {
      this.#loop(body, isLazy, code);
      return;
    }
    const splits: number[] = [];
    for (let i = min; i < max; i++) {
      splits.push(this.#push(code, PLACEHOLDER));
      this.#node(body, code);
    }
    for (const split of splits) code[split] = splitAt(split + 1, code.length, isLazy);
  }

  #loop(body: RegexNode, isLazy: boolean, code: Instruction[]): void {
    const slot = this.slots++;
    const split = this.#push(code, PLACEHOLDER);
    this.#push(code, { kind: 'save', slot });
    this.#node(body, code);
    this.#push(code, { kind: 'progress', slot });
    this.#push(code, { kind: 'jump', to: split });
    code[split] = splitAt(split + 1, code.length, isLazy);
  }
}

/** Stands where the target is not known yet. */
const PLACEHOLDER: Instruction = { kind: 'jump', to: 0 };

function splitAt(inside: number, behind: number, isLazy: boolean): Instruction {
  return isLazy ? { kind: 'split', first: behind, other: inside } : { kind: 'split', first: inside, other: behind };
}

function charTest(source: string, ignoreCase: boolean): (char: string) => boolean {
  const expression = new RegExp(`^${source}$`, ignoreCase ? 'iu' : 'u');
  return (char) => expression.test(char);
}
