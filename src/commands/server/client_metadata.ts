/** What a client says of itself in its first hello. Source: the MongoDB Handshake specification. */
import { CommandError } from '../../base/command_error.ts';
import { utf8Of } from '../../bson/bytes.ts';
import { decodePlain } from '../../bson/codec.ts';
import { BSON_TYPE, type ValueSpan } from '../../bson/types.ts';
import { wrongType } from '../fields.ts';

const SIZE_BYTES_MAX = 512;
const INTERNAL_SIZE_BYTES_MAX = 1024;
const APPLICATION_NAME_BYTES_MAX = 128;

/** Returns it decoded, for the log. Throws CommandError 14, 183, 184 or 185. */
export function checkClientMetadata(value: ValueSpan, isInternal: boolean): Record<string, unknown> {
  if (value.type !== BSON_TYPE.object) throw wrongType('client', value, 'object');
  const sizeMax = isInternal ? INTERNAL_SIZE_BYTES_MAX : SIZE_BYTES_MAX;
  if (value.end - value.start > sizeMax) {
    const message = `The client metadata document must be less then or equal to ${sizeMax} bytes`;
    throw new CommandError('ClientMetadataDocumentTooLarge', message);
  }
  const client = decodePlain(value.bytes, value.start);
  const { application, driver, os } = client;
  if (isRecord(application)) checkApplicationName(application['name']);
  if (!isRecord(driver)) throw missing("sub-document 'driver'");
  if (typeof driver['name'] !== 'string') throw missing("field 'driver.name'");
  if (typeof driver['version'] !== 'string') throw missing("field 'driver.version'");
  if (!isRecord(os)) throw missing("sub-document 'os'");
  if (typeof os['type'] !== 'string') throw missing("field 'os.type'");
  return client;
}

/** `application.name` of checked metadata. */
export function applicationNameOf(metadata: Uint8Array): string | undefined {
  const { application } = decodePlain(metadata);
  const name = isRecord(application) ? application['name'] : undefined;
  return typeof name === 'string' ? name : undefined;
}

function checkApplicationName(name: unknown): void {
  if (typeof name !== 'string' || utf8Of(name).length <= APPLICATION_NAME_BYTES_MAX) return;
  const message = `The 'client.application.name' field must be less then or equal to ${APPLICATION_NAME_BYTES_MAX} bytes in length`;
  throw new CommandError('ClientMetadataAppNameTooLarge', message);
}

function missing(what: string): CommandError {
  return new CommandError('ClientMetadataMissingField', `Missing required ${what} in the client metadata document`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
