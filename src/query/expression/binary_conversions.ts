/** Binary data from texts, and back. */
import { CommandError } from '../../base/command_error.ts';
import { utf8Of } from '../../bson/bytes.ts';
import { rawString, type RawValue } from '../../bson/value.ts';
import { binaryOf, rawBinary } from './build.ts';
import type { BinaryFormat, ConversionTarget } from './conversion_target.ts';

const UUID_SUBTYPE = 4;
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

function failure(message: string): CommandError {
  return new CommandError('ConversionFailure', message);
}

function requiredFormat(format: BinaryFormat | undefined, what: string): BinaryFormat {
  if (format !== undefined) return format;
  throw new CommandError(4341115, `Format must be specified when converting ${what}`);
}

export function binaryFromText(text: string, { format, subtype }: ConversionTarget): RawValue {
  const chosen = requiredFormat(format, "from 'string' to 'binData'");
  if (chosen === 'auto') throw failure("Unsupported conversion from string to binData with the 'auto' format");
  const isUuid = chosen === 'uuid';
  if (isUuid && subtype !== UUID_SUBTYPE) throw failure('Only the UUID subtype (4) is allowed with the UUID format');
  if (!isUuid && subtype === UUID_SUBTYPE) throw failure('The UUID subtype (4) needs the UUID format');
  return rawBinary(subtype, bytesOf(text, chosen));
}

function bytesOf(text: string, format: BinaryFormat): Uint8Array {
  switch (format) {
    case 'utf8':
      return utf8Of(text);
    case 'hex':
      return hexBytes(text, /^(?:[\da-f]{2})*$/i.test(text), format);
    case 'uuid':
      return hexBytes(text.replaceAll('-', ''), UUID.test(text), format);
    case 'base64url':
      return base64Bytes(text.replaceAll('-', '+').replaceAll('_', '/'), /^[\w-]*={0,2}$/.test(text), format);
    default:
      return base64Bytes(text, text.length % 4 === 0 && /^[A-Za-z\d+/]*={0,2}$/.test(text), format);
  }
}

function invalidText(format: string): CommandError {
  return failure(`Input string is not a valid ${format} string in $convert with no onError value`);
}

function hexBytes(text: string, isValid: boolean, format: string): Uint8Array {
  if (!isValid) throw invalidText(format);
  return Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

function base64Bytes(text: string, isValid: boolean, format: string): Uint8Array {
  const digits = text.replace(/=+$/, '');
  if (!isValid || digits.length % 4 === 1) throw invalidText(format);
  return Uint8Array.from(atob(digits), (character) => character.charCodeAt(0));
}

export function textFromBinary(value: RawValue, { format }: ConversionTarget): RawValue {
  const { subtype, data } = binaryOf(value);
  const chosen = requiredFormat(format, "from 'binData' to 'string'");
  if (chosen === 'auto') return rawString(textOf(data, subtype === UUID_SUBTYPE ? 'uuid' : 'base64'));
  if (chosen === 'uuid' && subtype !== UUID_SUBTYPE) {
    throw failure('Only the UUID subtype (4) is allowed with the UUID format');
  }
  return rawString(textOf(data, chosen));
}

function textOf(data: Uint8Array, format: BinaryFormat): string {
  switch (format) {
    case 'utf8':
      return utf8Text(data);
    case 'hex':
      return hexText(data);
    case 'uuid':
      return hexText(data).replace(/^(.{8})(.{4})(.{4})(.{4})(.*)$/, '$1-$2-$3-$4-$5');
    case 'base64url':
      return base64Text(data).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
    default:
      return base64Text(data);
  }
}

function hexText(data: Uint8Array): string {
  return [...data].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function base64Text(data: Uint8Array): string {
  let text = '';
  for (const byte of data) text += String.fromCharCode(byte);
  return btoa(text);
}

function utf8Text(data: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    // The decoder says no more than that the bytes are no UTF-8.
    throw failure('BinData is not valid UTF-8 in $convert with no onError value');
  }
}
