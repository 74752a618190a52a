import { CommandError } from '../../base/command_error.ts';
import { formatTimestamp } from '../../base/optime.ts';
import { copyRange, fieldName } from '../../bson/bytes.ts';
import { findField } from '../../bson/elements.ts';
import { timestampFromRaw } from '../../bson/optime.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { Command, CommandContext, CommandRequest } from '../context.ts';
import { hadWrongType } from '../fields.ts';

const DATA = fieldName('data');
const MAX_CLUSTER_TIME = fieldName('maxClusterTime');

/** Writes a no-op with a document of the caller's into the oplog. */
export const appendOplogNoteCommand: Command = {
  name: 'appendOplogNote',
  adminOnly: true,
  secondary: 'never',
  isWrite: true,
  help: 'writes a no-op entry into the oplog',
  run: (request, context) => {
    const data = findField(request.body, DATA);
    if (data === undefined) throw new CommandError('NoSuchKey', 'Missing expected field "data"');
    if (data.type !== BSON_TYPE.object) throw hadWrongType('data', data, 'object');
    checkClusterTime(request, context);
    context.lastWrite = context.data.appendNoop(copyRange(data.bytes, data.start, data.end));
  },
};

/** With `maxClusterTime` the entry is only wanted to move the oplog up to there. */
function checkClusterTime(request: CommandRequest, { data }: CommandContext): void {
  const value = findField(request.body, MAX_CLUSTER_TIME);
  if (value === undefined) return;
  if (value.type !== BSON_TYPE.timestamp) throw hadWrongType('maxClusterTime', value, 'timestamp');
  const wanted = timestampFromRaw(value);
  const { ts } = data.oplog.lastWritten;
  if (wanted > ts) return;
  throw new CommandError(
    'StaleClusterTime',
    `Requested maxClusterTime ${formatTimestamp(wanted)} is less or equal to the last primary OpTime: ${formatTimestamp(ts)}`,
  );
}
