/**
 * When work gives the loop back. A turn says how much of it is left; a pace looks at it after every few steps, as many as
 * have taken a fraction of a turn so far: steps may be quick as the test of a small document, or take longer than a turn.
 */

/** The time that one run of synchronous work may take. */
export interface TurnTime {
  /** Negative when it is over. */
  leftMs(): number;
}

/** Where nobody waits, as in tests. */
export const ENDLESS_TURN: TurnTime = { leftMs: () => Infinity };

/** Between two looks at the clock. Low enough for slow filters, high enough not to show up beside fast ones. */
const STEPS_PER_LOOK_MAX = 256;

/** Looks are about so far apart. */
const LOOK_MS = 0.25;

export class Pace {
  readonly #time: TurnTime;
  #stepsPerLook = 1;
  #steps = 0;
  #leftMs = -Infinity;

  constructor(time: TurnTime) {
    this.#time = time;
  }

  /** Called before every step: whether it is time to pause first. */
  isOver(): boolean {
    this.#steps += 1;
    return this.#steps >= this.#stepsPerLook && this.#look();
  }

  #look(): boolean {
    this.#steps = 0;
    const leftMs = this.#time.leftMs();
    // More is left than before in a turn that has just begun: nothing is known of how long the steps took.
    const tookMs = this.#leftMs - leftMs;
    if (tookMs >= 0) this.#adapt(tookMs);
    this.#leftMs = leftMs;
    return leftMs <= 0;
  }

  #adapt(tookMs: number): void {
    if (tookMs < LOOK_MS) this.#stepsPerLook = Math.min(STEPS_PER_LOOK_MAX, this.#stepsPerLook * 2);
    else this.#stepsPerLook = Math.max(1, Math.floor((this.#stepsPerLook * LOOK_MS) / tookMs));
  }
}
