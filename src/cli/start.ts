/** The entry of the program's process: runs {@link main} with the command line. */
import { main } from './main.ts';

// Not left to the event loop: a handle that is still open must not keep a finished process.
process.exit(await main(process.argv.slice(2)));
