/**
 * Matching with a bound on the steps: a backtracking machine over a program of instructions, for patterns and texts
 * that JavaScript's own might take forever on. Positions are in UTF-16 units.
 *
 * All state is in the object, so a match may be left after any step and gone on with later. The stack holds, as pairs of
 * numbers, choices (where to go on, from which place) and what captures were before they were set (the slot as a negative
 * number, its value): going back to a choice undoes what came after it.
 */
import { CommandError } from '../../base/command_error.ts';
import { REGEX_STACK_MAX } from '../../base/limits.ts';
import type { Instruction, Program } from './regex_program.ts';

/** Pairs of start and end by group, -1 for groups that did not take part; the rest is the machine's own. */
export type Captures = Int32Array<ArrayBuffer>;

/** An atomic group, or what looks around: a program inside the program. */
interface Inner {
  readonly kind: 'atomic' | 'ahead' | 'behind';
  readonly negative: boolean;
  /** The program around it, and where that goes on. */
  readonly code: readonly Instruction[];
  readonly next: number;
  /** Where it was entered. */
  readonly at: number;
  /** Choices above are its own. */
  readonly base: number;
  /** Of what looks behind: where it tries to begin. */
  from: number;
}

export interface MatchBounds {
  readonly from: number;
  readonly stepsMax: number;
}

export class BoundedMatch {
  readonly #text: string;
  readonly #captures: Captures;
  readonly #stack: number[] = [];
  readonly #inner: Inner[] = [];
  #code: readonly Instruction[];
  #pc = 0;
  #at: number;
  /** Where the match that is tried begins. */
  #start: number;
  #stepsLeft: number;
  #state: 'running' | 'found' | 'none' = 'running';

  /** The first match that starts at `from` or later. */
  constructor(program: Program, text: string, { from, stepsMax }: MatchBounds) {
    this.#text = text;
    this.#captures = new Int32Array(program.slots).fill(-1);
    this.#code = program.main;
    this.#start = from;
    this.#at = from;
    // Looking at every place a few times is never too much.
    this.#stepsLeft = stepsMax + text.length * 4;
    if (from > text.length) this.#state = 'none';
  }

  /** Undefined when there is none. Only once `advance` has said that it is known. */
  get captures(): Captures | undefined {
    return this.#state === 'found' ? this.#captures : undefined;
  }

  /** Takes up to that many steps; whether the result is not known yet. Throws when it takes too many steps in all. */
  advance(steps: number): boolean {
    for (let i = 0; i < steps && this.#state === 'running'; i++) this.#step();
    this.#stepsLeft -= steps;
    if (this.#stepsLeft < 0 && this.#state === 'running') throw tooManySteps();
    if (this.#stack.length > REGEX_STACK_MAX) throw tooManySteps();
    return this.#state === 'running';
  }

  #step(): void {
    if (this.#pc === this.#code.length) {
      this.#end();
      return;
    }
    const instruction = this.#code[this.#pc];
    switch (instruction.kind) {
      case 'split':
        this.#stack.push(instruction.other, this.#at);
        this.#pc = instruction.first;
        return;
      case 'jump':
        this.#pc = instruction.to;
        return;
      case 'one': {
        const code = this.#text.codePointAt(this.#at);
        if (code === undefined || !instruction.test(String.fromCodePoint(code))) this.#back();
        else {
          this.#at += code > 0xffff ? 2 : 1;
          this.#pc += 1;
        }
        return;
      }
      case 'save':
        this.#set(instruction.slot, this.#at);
        this.#pc += 1;
        return;
      case 'progress':
        // A repetition that matched nothing is not tried again.
        this.#goOnIf(this.#captures[instruction.slot] !== this.#at);
        return;
      case 'assertion':
        instruction.expression.lastIndex = this.#at;
        this.#goOnIf(instruction.expression.test(this.#text));
        return;
      case 'backreference':
        this.#backreference(instruction);
        return;
      default:
        this.#enter(instruction);
    }
  }

  #goOnIf(holds: boolean): void {
    if (holds) this.#pc += 1;
    else this.#back();
  }

  #set(slot: number, value: number): void {
    this.#stack.push(-1 - slot, this.#captures[slot]);
    this.#captures[slot] = value;
  }

  #backreference(instruction: Extract<Instruction, { kind: 'backreference' }>): void {
    const from = this.#captures[instruction.index * 2];
    const to = this.#captures[instruction.index * 2 + 1];
    const wanted = from < 0 || to < 0 ? undefined : this.#text.slice(from, to);
    if (wanted === undefined || !this.#isHere(wanted, instruction.ignoreCase)) {
      this.#back();
      return;
    }
    this.#at += wanted.length;
    this.#pc += 1;
    // Comparing texts takes as many steps as they are long.
    this.#stepsLeft -= wanted.length >> 3;
  }

  #isHere(wanted: string, ignoreCase: boolean): boolean {
    if (!ignoreCase) return this.#text.startsWith(wanted, this.#at);
    return this.#text.slice(this.#at, this.#at + wanted.length).toLowerCase() === wanted.toLowerCase();
  }

  #enter(instruction: Extract<Instruction, { kind: 'atomic' | 'ahead' | 'behind' }>): void {
    const { kind, body } = instruction;
    const negative = instruction.kind !== 'atomic' && instruction.negative;
    const at = this.#at;
    const base = this.#stack.length;
    this.#inner.push({ kind, negative, code: this.#code, next: this.#pc + 1, at, base, from: at });
    this.#code = body;
    this.#pc = 0;
  }

  /** The program, or the one inside it, has come to its end. */
  #end(): void {
    const inner = this.#inner.at(-1);
    if (inner === undefined) {
      this.#captures[0] = this.#start;
      this.#captures[1] = this.#at;
      this.#state = 'found';
      return;
    }
    if (inner.kind === 'behind' && this.#at !== inner.at) {
      this.#back();
      return;
    }
    if (inner.negative) {
      this.#undoTo(inner.base);
      this.#leave(inner);
      this.#back();
      return;
    }
    this.#forgetChoices(inner.base);
    const at = inner.kind === 'atomic' ? this.#at : inner.at;
    this.#leave(inner);
    this.#at = at;
    this.#pc = inner.next;
  }

  #leave({ code }: Inner): void {
    this.#inner.pop();
    this.#code = code;
  }

  /** To the choice that was made last. */
  #back(): void {
    for (;;) {
      const inner = this.#inner.at(-1);
      if (this.#stack.length > (inner?.base ?? 0)) {
        if (this.#pop()) return;
      } else if (inner === undefined) {
        this.#tryNextStart();
        return;
      } else if (inner.kind === 'behind' && inner.from > 0) {
        inner.from -= isInsidePair(this.#text, inner.from - 1) ? 2 : 1;
        this.#at = inner.from;
        this.#pc = 0;
        return;
      } else {
        this.#leave(inner);
        if (!inner.negative) continue;
        this.#at = inner.at;
        this.#pc = inner.next;
        return;
      }
    }
  }

  /** Undoes one thing; whether it was a choice, which is taken then. */
  #pop(): boolean {
    const value = this.#stack.pop() ?? 0;
    const key = this.#stack.pop() ?? 0;
    if (key < 0) {
      this.#captures[-1 - key] = value;
      return false;
    }
    this.#pc = key;
    this.#at = value;
    return true;
  }

  #undoTo(base: number): void {
    while (this.#stack.length > base) this.#pop();
  }

  /** What was captured can still be undone. */
  #forgetChoices(base: number): void {
    const stack = this.#stack;
    let kept = base;
    for (let i = base; i < stack.length; i += 2) {
      if (stack[i] >= 0) continue;
      stack[kept++] = stack[i];
      stack[kept++] = stack[i + 1];
    }
    stack.length = kept;
  }

  #tryNextStart(): void {
    this.#start += (this.#text.codePointAt(this.#start) ?? 0) > 0xffff ? 2 : 1;
    this.#at = this.#start;
    this.#pc = 0;
    if (this.#start > this.#text.length) this.#state = 'none';
  }
}

/** Whether the place is between the two units of one character. */
export function isInsidePair(text: string, at: number): boolean {
  return at > 0 && (text.codePointAt(at - 1) ?? 0) > 0xffff;
}

/** Source: MongoDB reports the limits of its expressions with this code. */
function tooManySteps(): CommandError {
  return new CommandError(51156, 'Error occurred while executing the regular expression: match limit exceeded');
}
