import { expect, test } from 'vitest';
import { Pace } from './pace.ts';

/** A clock that a test moves by hand. */
class ManualTurn {
  looks = 0;
  #leftMs = 4;

  leftMs(): number {
    this.looks += 1;
    return this.#leftMs;
  }

  pass(milliseconds: number): void {
    this.#leftMs -= milliseconds;
  }

  restart(): void {
    this.#leftMs = 4;
  }
}

function stepsInTurn(pace: Pace, turn: ManualTurn, stepMs: number): number {
  turn.restart();
  let steps = 0;
  for (; !pace.isOver(); steps++) turn.pass(stepMs);
  return steps;
}

test('steps that take long are looked at one by one', () => {
  const turn = new ManualTurn();
  const pace = new Pace(turn);
  expect(stepsInTurn(pace, turn, 3)).toBeLessThanOrEqual(3);
  expect(stepsInTurn(pace, turn, 3)).toBeLessThanOrEqual(2);
});

test('the clock is seldom looked at for quick steps, and the turn ends in time', () => {
  const turn = new ManualTurn();
  const pace = new Pace(turn);
  stepsInTurn(pace, turn, 0.0001);
  turn.looks = 0;
  const steps = stepsInTurn(pace, turn, 0.0001);
  expect(steps).toBeGreaterThanOrEqual(40_000 - 256);
  expect(steps).toBeLessThan(40_000 + 512);
  expect(turn.looks).toBeLessThan(steps / 100);
});

test('when steps become slow, the next turn knows', () => {
  const turn = new ManualTurn();
  const pace = new Pace(turn);
  stepsInTurn(pace, turn, 0.0001);
  stepsInTurn(pace, turn, 1);
  expect(stepsInTurn(pace, turn, 1)).toBeLessThanOrEqual(5);
});
