/** The entry of the program's process: runs {@link main} with the command line. */
import { collectOnlyWhenNeeded } from '../host/collector.ts';
import { main } from './main.ts';

collectOnlyWhenNeeded();

// Not left to the event loop: a handle that is still open must not keep a finished process.
process.exit(await main(process.argv.slice(2)));
