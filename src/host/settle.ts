/** Lets promises run to their end without a turn of the loop for each time that is needed: the simulator needs it often. */

/** After as many calls the loop gets a turn: it reports rejections that nobody caught, and hears signals. */
const CALLS_PER_TURN = 1_000;

const NOW = Promise.resolve();

/** Returns a function that calls back when every promise that can settle has, and all that waited for them has run. */
export function settler(): (callback: () => void) => void {
  let calls = 0;
  return (callback) => {
    calls += 1;
    if (calls % CALLS_PER_TURN === 0) setImmediate(callback);
    // Node takes a tick that a microtask asked for when no microtask is left.
    else void NOW.then(() => process.nextTick(callback));
  };
}
