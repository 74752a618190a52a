/** `$text`. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import { isTruthy, rawObject, stringOf, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { languageOf } from '../text/text_fields.ts';
import type { TextQuery } from '../text/text_search.ts';
import type { DocumentOperator } from './field_operator.ts';
import { TextCondition } from './text_condition.ts';

export const textOperator: DocumentOperator = {
  name: '$text',
  parse(operand, { scope }, isTopLevel) {
    if (!isTopLevel) throw new CommandError('BadValue', '$text can only be applied to the top-level document');
    const query = parseText(operand);
    const { metadata } = scope;
    metadata.provide('textScore');
    const text = new TextCondition(query, metadata);
    return {
      kind: 'document',
      operator: '$text',
      operand: shownOperand(query),
      text,
      matches(bytes, at) {
        return text.matches(at === 0 ? bytes : bytes.subarray(at));
      },
    };
  },
};

const OPTIONS: ReadonlySet<string> = new Set(['$search', '$language', '$caseSensitive', '$diacriticSensitive']);

function parseText(operand: RawValue): TextQuery {
  if (operand.type !== BSON_TYPE.object) throw new CommandError('BadValue', '$text expects an object');
  const options = new Map<string, RawValue>();
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) options.set(reader.name(), reader.value());
  if (!options.has('$search')) throw new CommandError('NoSuchKey', 'Missing expected field "$search"');
  const search = textOption(options, '$search') ?? '';
  const language = textOption(options, '$language');
  const caseSensitive = flagOption(options, '$caseSensitive');
  const diacriticSensitive = flagOption(options, '$diacriticSensitive');
  for (const name of options.keys())
    if (!OPTIONS.has(name)) throw new CommandError('BadValue', 'extra fields in $text');
  if (language !== undefined && language !== '') languageOf(language);
  return { search, language: language === '' ? undefined : language, caseSensitive, diacriticSensitive };
}

function textOption(options: ReadonlyMap<string, RawValue>, name: string): string | undefined {
  const value = options.get(name);
  if (value === undefined) return undefined;
  if (value.type === BSON_TYPE.string) return stringOf(value);
  throw wrongType(name, 'string', value);
}

function flagOption(options: ReadonlyMap<string, RawValue>, name: string): boolean {
  const value = options.get(name);
  if (value === undefined) return false;
  if (value.type === BSON_TYPE.bool) return isTruthy(value);
  throw wrongType(name, 'bool', value);
}

function wrongType(name: string, expected: string, value: RawValue): CommandError {
  const found = typeAlias(value.type);
  return new CommandError('TypeMismatch', `"${name}" had the wrong type. Expected ${expected}, found ${found}`);
}

/** With everything filled in, as explain shows it. */
function shownOperand({ search, language, caseSensitive, diacriticSensitive }: TextQuery): RawValue {
  const writer = new BsonWriter().startDocument();
  writer.string('$search', search).string('$language', language ?? 'english');
  writer.bool('$caseSensitive', caseSensitive).bool('$diacriticSensitive', diacriticSensitive);
  return rawObject(writer.endDocument().finish());
}
