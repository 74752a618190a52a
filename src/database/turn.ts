/** How long one run of synchronous work may go on before it gives the loop back. */
import type { Clock } from '../base/env.ts';
import { TURN_MS_MAX } from '../base/limits.ts';
import type { Ms } from '../base/units.ts';

/** Between two looks at the clock. Low enough for slow filters, high enough not to show up beside fast ones. */
const STEPS_PER_LOOK = 64;

export class Turn {
  readonly #clock: Clock;
  #endsAt: Ms;
  #steps = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#endsAt = (clock.monotonic() + TURN_MS_MAX) as Ms;
  }

  /** Called for every small step of work: whether it is time to pause. */
  isOver(): boolean {
    this.#steps += 1;
    if (this.#steps < STEPS_PER_LOOK) return false;
    this.#steps = 0;
    return this.#clock.monotonic() >= this.#endsAt;
  }

  /** After a pause. */
  restart(): void {
    this.#steps = 0;
    this.#endsAt = (this.#clock.monotonic() + TURN_MS_MAX) as Ms;
  }
}
