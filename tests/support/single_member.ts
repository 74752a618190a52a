/** A set of one member as a process: started, initiated once, and waited for until it takes writes. */
import { needsInitiate, runAdminCommand } from '../../src/set/admin_client.ts';
import type { MemberProcess } from '../../src/set/member_process.ts';

/** "Transition to primary complete; database writes are now permitted". */
const PRIMARY_READY_ID = 21_331;

/** Starts the member, makes its set if there is none yet; resolves when it takes writes. */
export async function startPrimary(member: MemberProcess): Promise<void> {
  let unsubscribe = (): void => {};
  // Listened for before the start: on a member that has its set the line follows at once.
  const isPrimary = new Promise<void>((resolve) => {
    unsubscribe = member.onLine(({ id }) => {
      if (id === PRIMARY_READY_ID) resolve();
    });
  });
  try {
    await member.start();
    if (await needsInitiate(member.address)) {
      await runAdminCommand(member.address, {
        replSetInitiate: { _id: 'rs0', members: [{ _id: 0, host: member.address }] },
      });
    }
    const ended = member.ended.then((code) => {
      throw new Error(`the member ended with exit code ${code} before it was primary`);
    });
    await Promise.race([isPrimary, ended]);
  } finally {
    unsubscribe();
  }
}
