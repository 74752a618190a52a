/** How long one run of synchronous work may go on before it gives the loop back. */
import type { Clock } from '../base/env.ts';
import { TURN_MS_MAX } from '../base/limits.ts';
import type { Ms } from '../base/units.ts';
import { Pace, type TurnTime } from '../query/pace.ts';

export class Turn implements TurnTime {
  readonly #clock: Clock;
  readonly #pace = new Pace(this);
  #endsAt: Ms;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#endsAt = (clock.monotonic() + TURN_MS_MAX) as Ms;
  }

  leftMs(): number {
    return this.#endsAt - this.#clock.monotonic();
  }

  /** Called for every small step of work: whether it is time to pause. */
  isOver(): boolean {
    return this.#pace.isOver();
  }

  /** After a pause. */
  restart(): void {
    this.#endsAt = (this.#clock.monotonic() + TURN_MS_MAX) as Ms;
  }
}
