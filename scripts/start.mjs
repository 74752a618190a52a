/**
 * `npm start`: makes a fresh clone ready and runs a set, in one process.
 *
 * The package's script says `exec`, so that no shell stands between npm and this process: a shell would end by the Ctrl-C
 * itself and hide the program's exit code, and would not pass on a signal that npm alone gets. Where the shell has no
 * `exec` (Windows), the second half of the script does the same.
 */
import './prepare.mjs';

process.argv.splice(2, 0, 'up', '--dbpath', 'data');
await import('../bin/quorate.js');
