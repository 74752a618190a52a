/**
 * Matching with a bound on the steps: a backtracking machine over a program of instructions, for patterns and texts
 * that JavaScript's own might take forever on. Positions are in UTF-16 units.
 */
import { CommandError } from '../../base/command_error.ts';
import { REGEX_STEPS_MAX } from '../../base/limits.ts';
import { buildProgram, type Instruction, type Program } from './regex_program.ts';
import type { ParsedRegex } from './syntax.ts';

/** Pairs of start and end by group, -1 for groups that did not take part; the rest is the machine's own. */
export type Captures = Int32Array<ArrayBuffer>;

const ANYWHERE = -1;

export class BoundedMatcher {
  readonly #program: Program;
  #text = '';
  #steps = 0;

  constructor(parsed: ParsedRegex) {
    this.#program = buildProgram(parsed);
  }

  /** The first match that starts at `from` or later. Throws when it takes too many steps. */
  match(text: string, from: number): Captures | undefined {
    this.#text = text;
    // Looking at every place a few times is never too much.
    this.#steps = REGEX_STEPS_MAX + text.length * 4;
    for (let at = from; at <= text.length; at += isHighSurrogate(text, at) ? 2 : 1) {
      const captures = new Int32Array(this.#program.slots).fill(-1);
      const end = this.#run(this.#program.main, at, captures, ANYWHERE);
      if (end < 0) continue;
      captures[0] = at;
      captures[1] = end;
      return captures;
    }
    return undefined;
  }

  /** Where a match from `start` ends, or -1; it must end at `endsAt` unless that is ANYWHERE. Fills `captures`. */
  #run(instructions: readonly Instruction[], start: number, captures: Captures, endsAt: number): number {
    const stack: { readonly pc: number; readonly at: number; readonly captures: Captures }[] = [];
    let pc = 0;
    let at = start;
    let own = captures.slice();
    for (;;) {
      this.#steps--;
      if (this.#steps < 0) throw tooManySteps();
      let next = at;
      let target = pc + 1;
      if (pc === instructions.length) {
        if (endsAt === ANYWHERE || endsAt === at) {
          captures.set(own);
          return at;
        }
        next = -1;
      } else {
        const instruction = instructions[pc];
        if (instruction.kind === 'split') {
          stack.push({ pc: instruction.other, at, captures: own });
          target = instruction.first;
        } else if (instruction.kind === 'jump') {
          target = instruction.to;
        } else {
          if (writesCaptures(instruction)) own = own.slice();
          next = this.#step(instruction, at, own);
        }
      }
      if (next >= 0) {
        at = next;
        pc = target;
        continue;
      }
      const back = stack.pop();
      if (back === undefined) return -1;
      ({ pc, at, captures: own } = back);
    }
  }

  /** The place behind what the instruction takes, or -1. */
  #step(instruction: Instruction, at: number, captures: Captures): number {
    switch (instruction.kind) {
      case 'one': {
        const char = charAt(this.#text, at);
        return char !== '' && instruction.test(char) ? at + char.length : -1;
      }
      case 'save':
        captures[instruction.slot] = at;
        return at;
      case 'progress':
        // A repetition that matched nothing is not tried again.
        return captures[instruction.slot] === at ? -1 : at;
      case 'assertion':
        instruction.expression.lastIndex = at;
        return instruction.expression.test(this.#text) ? at : -1;
      case 'atomic':
        return this.#run(instruction.body, at, captures, ANYWHERE);
      case 'ahead':
        return this.#run(instruction.body, at, captures, ANYWHERE) >= 0 === instruction.negative ? -1 : at;
      case 'behind':
        return this.#isBehind(instruction.body, at, captures) === instruction.negative ? -1 : at;
      case 'backreference':
        return this.#backreference(instruction, at, captures);
      default:
        return at;
    }
  }

  #isBehind(body: readonly Instruction[], at: number, captures: Captures): boolean {
    for (let start = at; start >= 0; start--) {
      if (!isInsidePair(this.#text, start) && this.#run(body, start, captures, at) >= 0) return true;
    }
    return false;
  }

  #backreference(instruction: Extract<Instruction, { kind: 'backreference' }>, at: number, captures: Captures): number {
    const from = captures[instruction.index * 2];
    const to = captures[instruction.index * 2 + 1];
    if (from < 0 || to < 0) return -1;
    const wanted = this.#text.slice(from, to);
    const found = this.#text.slice(at, at + wanted.length);
    const isSame = instruction.ignoreCase ? found.toLowerCase() === wanted.toLowerCase() : found === wanted;
    return isSame ? at + wanted.length : -1;
  }
}

function writesCaptures({ kind }: Instruction): boolean {
  return kind === 'save' || kind === 'atomic' || kind === 'ahead' || kind === 'behind';
}

function charAt(text: string, at: number): string {
  const code = text.codePointAt(at);
  return code === undefined ? '' : String.fromCodePoint(code);
}

/** Whether the place is between the two units of one character. */
export function isInsidePair(text: string, at: number): boolean {
  return at > 0 && isHighSurrogate(text, at - 1);
}

function isHighSurrogate(text: string, at: number): boolean {
  return (text.codePointAt(at) ?? 0) > 0xffff;
}

/** Source: MongoDB reports the limits of its expressions with this code. */
function tooManySteps(): CommandError {
  return new CommandError(51156, 'Error occurred while executing the regular expression: match limit exceeded');
}
