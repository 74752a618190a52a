/** What the families of `$jsonSchema` keywords share. */
import { CommandError } from '../../base/command_error.ts';
import { countElements } from '../../bson/elements.ts';
import { isNumericType, typeAlias } from '../../bson/types.ts';
import { integerOf, isWholeNumber, type RawValue } from '../../bson/value.ts';
import { describeElement } from '../describe.ts';
import type { ValueTest } from './value_test.ts';

/** The keywords of one schema. */
export type SchemaKeywords = ReadonlyMap<string, RawValue>;

/** Compiles the schema that is the document at `start`. */
export type CompileSchema = (bytes: Uint8Array, start: number) => ValueTest;

/** `test` for the values of some types; others pass. */
export function onlyFor(isMeant: (type: number) => boolean, test: ValueTest): ValueTest {
  return (bytes, type, start, end) => !isMeant(type) || test(bytes, type, start, end);
}

/** A keyword that counts: a whole number from 0 on. */
export function countKeyword(keywords: SchemaKeywords, keyword: string): number | undefined {
  const value = keywords.get(keyword);
  if (value === undefined) return undefined;
  const shown = describeElement(keyword, value);
  if (!isNumericType(value.type)) throw failed(`Expected a number in: ${shown}, but found ${typeAlias(value.type)}`);
  if (!isWholeNumber(value)) throw failed(`Expected an integer: ${shown}`);
  const count = Number(integerOf(value));
  if (count < 0) throw failed(`Expected a positive number in: ${shown}`);
  return count;
}

/** Whether there are as many items, or fields, as the two keywords allow. */
export function countTests(keywords: SchemaKeywords, minimum: string, maximum: string): ValueTest[] {
  const tests: ValueTest[] = [];
  const min = countKeyword(keywords, minimum);
  const max = countKeyword(keywords, maximum);
  if (min !== undefined) tests.push((bytes, _type, start) => countElements(bytes, start) >= min);
  if (max !== undefined) tests.push((bytes, _type, start) => countElements(bytes, start) <= max);
  return tests;
}

export function failed(message: string): CommandError {
  return new CommandError('FailedToParse', message);
}

export function mistyped(keyword: string, wanted: string): CommandError {
  return new CommandError('TypeMismatch', `$jsonSchema keyword '${keyword}' must be ${wanted}`);
}
