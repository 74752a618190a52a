/**
 * Temporary collections: what `$out` fills before it takes the place of its target. Their option `temp` goes with the
 * rename that gives them their name. Those that a failed member leaves behind are dropped by the next primary.
 */
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { isTruthy } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { Collection } from './collection.ts';

const TEMP = fieldName('temp');

/** `options` with `temp: true`. */
export function temporaryOptions(options: Uint8Array): Uint8Array {
  return new BsonWriter().startDocument().fieldsOf(permanentOptions(options)).bool(TEMP, true).endDocument().finish();
}

/** `options` without `temp`. */
export function permanentOptions(options: Uint8Array): Uint8Array {
  if (findField(options, TEMP) === undefined) return options;
  const writer = new BsonWriter().startDocument();
  const reader = new ElementReader(options);
  while (reader.next()) if (!reader.nameEquals(TEMP)) writer.element(options, reader.elementStart, reader.end);
  return writer.endDocument().finish();
}

export function isTemporary({ options }: Collection): boolean {
  const temp = findField(options, TEMP);
  return temp !== undefined && isTruthy(temp);
}
