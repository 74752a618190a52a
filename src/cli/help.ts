/** What `quorate --help` says. */
export const GENERAL_HELP = `quorate - a MongoDB-compatible replica set

  quorate                      start a set of three members on this machine and print its URI
  quorate up [options]         the same, with options
  quorate member [options]     run one member of a set, as on a machine of its own
  quorate status <uri>         show the members of a running set
  quorate simulate [options]   run simulated sets from seeds and check them
  quorate help <command>       the options of a command
  quorate --version

First steps

  $ quorate
  ...
  mongodb://127.0.0.1:27017,127.0.0.1:27018,127.0.0.1:27019/?replicaSet=rs0

  In another terminal, with any MongoDB client:

  $ mongosh "mongodb://127.0.0.1:27017,127.0.0.1:27018,127.0.0.1:27019/?replicaSet=rs0"

  One member is elected primary and takes the writes; the others copy them. Kill the primary's process and
  another takes over; nothing that a majority acknowledged is lost. Ctrl-C stops the set, and starting it again
  finds the data.

A set on three machines

  On each:     quorate member --replSet rs0 --dbpath /data/db --port 27017 --bind_ip 0.0.0.0
  Once, in mongosh on one of them:
               rs.initiate({ _id: 'rs0', members: [
                 { _id: 0, host: 'one:27017' }, { _id: 1, host: 'two:27017' }, { _id: 2, host: 'three:27017' } ] })
`;
