/** A few commands to one member, for starting and watching a set; not a driver. */
import { CommandError } from '../base/command_error.ts';
import { ms } from '../base/units.ts';
import { decodePlain, encodeDocument } from '../bson/codec.ts';
import { createHostEnv } from '../host/env.ts';
import { PeerConnection } from '../member/peer_connection.ts';

const TIMEOUT_MS = ms(30_000);

/**
 * Runs one command on the member at 'host:port', over a connection of its own, and resolves with its reply. Rejects with
 * CommandError for an error reply and with NetworkError.
 */
export async function runAdminCommand(address: string, command: object): Promise<Record<string, unknown>> {
  const peer = await PeerConnection.connect(createHostEnv('.'), address, TIMEOUT_MS);
  try {
    return decodePlain(await peer.request(encodeDocument({ ...command, $db: 'admin' }), TIMEOUT_MS));
  } finally {
    peer.close();
  }
}

/** Whether the member has no configuration yet. */
export async function needsInitiate(address: string): Promise<boolean> {
  try {
    await runAdminCommand(address, { replSetGetConfig: 1 });
    return false;
  } catch (error) {
    if (error instanceof CommandError && error.codeName === 'NotYetInitialized') return true;
    throw error;
  }
}
