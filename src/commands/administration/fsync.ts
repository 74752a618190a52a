import { CommandError } from '../../base/command_error.ts';
import { Arguments } from '../arguments.ts';
import type { Command } from '../context.ts';

/** Writes that were acknowledged by the journal are safe already; this makes sure of all others. */
export const fsyncCommand: Command = {
  name: 'fsync',
  adminOnly: true,
  secondary: 'always',
  help: 'waits until everything written so far is durable',
  async run(request, context, reply) {
    const args = Arguments.ofCommand('fsync', request.body);
    while (args.next()) {
      if (args.name === 'lock') {
        if (args.flag()) args.refuseUnsupported();
      } else if (args.name === 'fsyncLockAcquisitionTimeoutMillis') args.integer();
      else args.refuseUnknown();
    }
    const { oplog } = context.data;
    await context.orInterrupted(oplog.durableAt(oplog.lastWritten));
    reply.int32('numFiles', 1);
  },
};

export const fsyncUnlockCommand: Command = {
  name: 'fsyncUnlock',
  adminOnly: true,
  secondary: 'always',
  help: 'there is never a lock to release',
  run() {
    throw new CommandError('IllegalOperation', 'fsyncUnlock called when not locked');
  },
};
