/** Checks the `lsid` of a request: {id: UUID, uid?: 32 bytes}. */
import { CommandError } from '../../base/command_error.ts';
import { fieldName, int32At } from '../../bson/bytes.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, type ValueSpan } from '../../bson/types.ts';
import { missingField, unknownField, wrongType } from '../fields.ts';

const ID = fieldName('id');
const UID = fieldName('uid');
const TXN_NUMBER = fieldName('txnNumber');
const TXN_UUID = fieldName('txnUUID');

const PATH = 'OperationSessionInfo.lsid';
const UUID_SUBTYPE = 4;
const UUID_BYTES = 16;
const UID_BYTES = 32;

const SUBTYPE_NAMES = new Map([
  [0, 'general'],
  [1, 'function'],
  [2, 'byte array (deprecated)'],
  [3, 'UUID (deprecated)'],
  [5, 'MD5'],
]);

/** Throws CommandError 12, 14, 207, 40414 or 40415, in MongoDB's words. */
export function checkLsid(value: ValueSpan): void {
  if (value.type !== BSON_TYPE.object) throw wrongType(PATH, value, 'object');
  const reader = new ElementReader(value.bytes, value.start);
  let hasId = false;
  while (reader.next()) {
    if (reader.nameEquals(ID)) {
      checkUuid(reader);
      hasId = true;
    } else if (reader.nameEquals(UID)) {
      checkUid(reader);
    } else if (!reader.nameEquals(TXN_NUMBER) && !reader.nameEquals(TXN_UUID)) {
      throw unknownField(`${PATH}.${reader.name()}`);
    }
  }
  if (!hasId) throw missingField(`${PATH}.id`);
}

function checkUuid(value: ValueSpan): void {
  if (value.type !== BSON_TYPE.binData) throw wrongType(`${PATH}.id`, value, 'binData');
  const subtype = value.bytes[value.start + 4];
  if (subtype !== UUID_SUBTYPE) {
    const name = SUBTYPE_NAMES.get(subtype) ?? 'invalid';
    throw new CommandError(
      'TypeMismatch',
      `BSON field '${PATH}.id' is the wrong bindData type '${name}', expected type 'UUID'`,
    );
  }
  if (int32At(value.bytes, value.start) !== UUID_BYTES) {
    throw new CommandError('InvalidUUID', 'uuid must be a 16-byte binary field with UUID (4) subtype');
  }
}

function checkUid(value: ValueSpan): void {
  if (value.type !== BSON_TYPE.binData) throw wrongType(`${PATH}.uid`, value, 'binData');
  const length = int32At(value.bytes, value.start);
  if (length !== UID_BYTES)
    throw new CommandError('UnsupportedFormat', `Unsupported SHA256Block hash length: ${length}`);
}
