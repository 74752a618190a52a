/** Where a request meets `failCommand`. */
import { CommandError } from '../../base/command_error.ts';
import { ms } from '../../base/units.ts';
import { applicationNameOf } from './client_metadata.ts';
import type { Exchange } from '../exchange.ts';

/** Throws, waits, or marks the exchange, as the fail point says. */
export function meetFailPoint(exchange: Exchange): Promise<void> | undefined {
  const { command, connection, server, env } = exchange;
  const appName = connection.metadata === undefined ? undefined : applicationNameOf(connection.metadata);
  const { name, aliases = [] } = command;
  const action = server.failPoints.meet({ name, aliases, appName, isInternal: connection.isInternal });
  if (action === undefined) return undefined;
  exchange.failPointConcernError = action.writeConcernError;
  const act = (): void => {
    if (action.closesConnection) {
      exchange.losesReply = true;
      exchange.closesConnection = true;
    }
    if (action.error !== undefined) throw action.error;
    if (action.closesConnection) throw new CommandError('SocketException', 'the connection is closed by a fail point');
  };
  if (action.blockMs === 0) {
    act();
    return undefined;
  }
  const delay = new Promise<void>((resolve) => env.timers.after(ms(action.blockMs), resolve));
  return exchange.orInterrupted(delay).then(act);
}
