/** Waiting for a condition of a running set, by asking again and again. */
import { setTimeout as delay } from 'node:timers/promises';

const ASK_AGAIN_MS = 20;

/** Resolves with the first value that is not undefined; rejects, with the last error met, after `limitMs`. */
export async function eventually<T>(ask: () => Promise<T | undefined>, limitMs = 20_000): Promise<T> {
  const end = Date.now() + limitMs;
  let lastError: unknown;
  while (Date.now() < end) {
    try {
      const value = await ask();
      if (value !== undefined) return value;
    } catch (error) {
      lastError = error;
    }
    await delay(ASK_AGAIN_MS);
  }
  throw new Error(`not within ${limitMs} ms`, { cause: lastError });
}
