/** Documents as MongoDB's error messages show them: `{ _id: 0, host: "a:1" }`. */
import { Double, ObjectId } from 'bson';
import { isSubdocument, numberIn, typeNameOf } from './document.ts';

/** Numbers of type double always have a point. */
export function formatValue(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `[ ${value.map(formatValue).join(', ')} ]`;
  if (value instanceof Date) return `new Date(${value.getTime()})`;
  const number = numberIn(value);
  if (number !== undefined) {
    return value instanceof Double && Number.isInteger(number) ? number.toFixed(1) : String(number);
  }
  if (value instanceof ObjectId) return `ObjectId('${value.toHexString()}')`;
  if (isSubdocument(value)) return formatDocument(value);
  return typeNameOf(value);
}

export function formatDocument(document: Readonly<Record<string, unknown>>): string {
  const fields = Object.entries(document).map(([name, value]) => `${name}: ${formatValue(value)}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}
