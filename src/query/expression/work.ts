/**
 * Work on one document that takes longer than a turn: it is interrupted, and gone on with in the next.
 *
 * Evaluation is a walk of nested calls that cannot be left in the middle. So it is abandoned by throwing, and later walked
 * again from the start over the same document. Only the loops, which are what takes long, are not begun anew: an
 * abandoned one leaves its state in a frame, where it is found again by its place in the expression. A frame holds what was
 * left in one step of the loop around it (or in the whole evaluation): in one step, no place is evaluated twice. A loop
 * that ends in an evaluation that goes on leaves its result there, lest it be computed once per turn.
 *
 * What is evaluated must have no effects, and the document must stay as it is.
 */
import { Pace, type TurnTime } from '../pace.ts';
import { PAUSE } from '../pipeline/source.ts';
import { RawValue } from '../../bson/value.ts';
import type { Value } from './types.ts';

/** What loops left, by their places. */
type Frame = Map<Place, Left>;

/** Where a loop stands: what was compiled there, or a name for one of the values that it is asked about. */
type Place = object | string;

type Left =
  | { readonly kind: 'done'; readonly value: Value }
  /** `inner`: what was left in the step that was under way. */
  | { readonly kind: 'begun'; readonly state: unknown; readonly inner: Frame | undefined };

/** Thrown to leave an evaluation. */
const INTERRUPTED = new Error('an evaluation goes on in another turn');

/** Of all expressions of a command. */
export class Work {
  /** Of the innermost loop under way; undefined when nothing was left there. */
  frame: Frame | undefined = undefined;
  readonly #pace: Pace;
  #places = 0;
  #isInterruptible = false;

  constructor(time: TurnTime) {
    this.#pace = new Pace(time);
  }

  /** For names of places. */
  newPlace(): number {
    this.#places += 1;
    return this.#places;
  }

  /** Called between two steps of a loop. Throws when the evaluation is to be left. */
  step(): void {
    if (this.#isInterruptible && this.#pace.isOver()) throw INTERRUPTED;
  }

  /** Evaluates on from what was left; PAUSE together with what is left now. */
  attempt<A, T>(evaluate: (argument: A) => T, argument: A, left: Attempt): T | typeof PAUSE {
    this.frame = left.frame;
    this.#isInterruptible = true;
    try {
      const result = evaluate(argument);
      left.frame = undefined;
      return result;
    } catch (error) {
      left.frame = error === INTERRUPTED ? this.frame : undefined;
      if (error === INTERRUPTED) return PAUSE;
      throw error;
    } finally {
      this.frame = undefined;
      this.#isInterruptible = false;
    }
  }
}

interface Attempt {
  frame: Frame | undefined;
}

/** Something that is computed of one thing after the other, each over as many turns as it takes. */
export class Interruptible<A, T> {
  readonly #work: Work;
  readonly #evaluate: (argument: A) => T;
  readonly #attempt: Attempt = { frame: undefined };

  constructor(work: Work, evaluate: (argument: A) => T) {
    this.#work = work;
    this.#evaluate = evaluate;
  }

  /** After PAUSE it is called with the same again, unless that is of no interest any more: then `forget` comes first. */
  run(argument: A): T | typeof PAUSE {
    return this.#work.attempt(this.#evaluate, argument, this.#attempt);
  }

  forget(): void {
    this.#attempt.frame = undefined;
  }
}

/** A loop of an operator. A step takes no long time itself, apart from loops of operands. */
export interface LoopKind<S extends object> {
  /** Evaluates what the loop goes over; a value when there is nothing to loop over. */
  start(root: Uint8Array): S | RawValue;
  /** False when there is nothing left to do. Left in the middle, it is called again with the same state. */
  step(state: S, root: Uint8Array): boolean;
  end(state: S): Value;
}

/** The loop at one place of an expression. */
export function loopOf<S extends object>(work: Work, kind: LoopKind<S>): (root: Uint8Array) => Value {
  const place = {};
  return (root) => runLoop(work, place, kind, root);
}

/** As {@link loopOf}, for places that are made up. */
// oxlint-disable-next-line max-params -- the hot path of every loop
export function runLoop<S extends object>(work: Work, place: Place, kind: LoopKind<S>, root: Uint8Array): Value {
  const outer = work.frame;
  const left = outer?.get(place);
  if (left?.kind === 'done') return left.value;
  // What stands at this place was left by this loop.
  const state = left === undefined ? kind.start(root) : (left.state as S);
  if (state instanceof RawValue) return state;
  work.frame = left?.inner;
  try {
    while (kind.step(state, root)) {
      work.frame = undefined;
      work.step();
    }
  } catch (error) {
    if (error !== INTERRUPTED) throw error;
    const inner = work.frame;
    work.frame = outer ?? new Map<Place, Left>();
    work.frame.set(place, { kind: 'begun', state, inner });
    throw error;
  }
  work.frame = outer;
  const value = kind.end(state);
  outer?.set(place, { kind: 'done', value });
  return value;
}

/** What is computed in one piece: once it took part in an evaluation that goes on, it is not computed once per turn. */
export function remembered(work: Work, evaluate: (root: Uint8Array) => Value): (root: Uint8Array) => Value {
  const place = {};
  return (root) => {
    const { frame } = work;
    if (frame === undefined) return evaluate(root);
    const left = frame.get(place);
    if (left?.kind === 'done') return left.value;
    const value = evaluate(root);
    frame.set(place, { kind: 'done', value });
    return value;
  };
}
