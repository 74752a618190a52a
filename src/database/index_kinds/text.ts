/**
 * Text indexes: the words of the strings in a document, each with how much it counts there (query/text/). Between the
 * fields that the key pattern names before and after, a key has the word and its score.
 */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import {
  integerOf,
  maybeStringOf,
  numberOf,
  RAW_NULL,
  rawDouble,
  rawInt32,
  rawObject,
  rawString,
  stringOf,
  type RawValue,
} from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { describeDocument } from '../../query/describe.ts';
import { languageNamed } from '../../query/text/language.ts';
import { EVERY_FIELD, TextFields } from '../../query/text/text_fields.ts';
import type { IndexField } from '../index/index_key.ts';
import { elementsAlong } from './elements_along.ts';
import type { IndexDraft, IndexKind } from './index_kind.ts';
import { RowsKeyGenerator } from './key_rows.ts';

export const TEXT_PLUGIN = 'text';

/** Stand in the stored key pattern for the fields that are searched. */
const WORD_FIELD = '_fts';
const SCORE_FIELD = '_ftsx';

/** Source: the manual, "Text Indexes": version 3 since MongoDB 3.2. */
const VERSION_NOW = 3;
/** Weights lie below it. */
const WEIGHT_LIMIT = 100_000;

export const textKind: IndexKind = {
  name: TEXT_PLUGIN,
  options: new Set(['weights', 'default_language', 'language_override', 'textIndexVersion']),
  check: checkDraft,
  generator(spec) {
    const text = new TextFields(spec.document);
    return new RowsKeyGenerator(spec.fields, (document) => {
      const scores = text.scoresOf(document);
      if (scores.size === 0) return undefined;
      const row = spec.fields.map((field) => (isOwnField(field) ? RAW_NULL : plainValue(document, field)));
      const at = spec.fields.findIndex((field) => field.path === WORD_FIELD);
      const rows = [...scores].map(([word, score]) => row.with(at, rawString(word)).with(at + 1, rawDouble(score)));
      return { rows, metArray: false };
    });
  },
  bounds: () => undefined,
};

function isOwnField({ path }: IndexField): boolean {
  return path === WORD_FIELD || path === SCORE_FIELD;
}

function plainValue(document: Uint8Array, field: IndexField): RawValue {
  const { metArray, values } = elementsAlong(document, field.segments);
  const [value] = values;
  if (metArray || value?.type === BSON_TYPE.array) {
    const shown = describeDocument(document);
    const text = `Field '${field.path}' of text index contains an array in document: ${shown}`;
    throw new CommandError('CannotBuildIndexKeys', text);
  }
  return value ?? RAW_NULL;
}

function refused(text: string): CommandError {
  return new CommandError('CannotCreateIndex', text);
}

function checkDraft(draft: IndexDraft): IndexDraft {
  const version = checkedVersion(draft.options.get('textIndexVersion'));
  const weights = new Map<string, number>();
  const key = checkedKey(draft.key, weights);
  addWeights(draft.options.get('weights'), weights);
  const options = new Map<string, RawValue>();
  for (const [name, value] of draft.options) if (!textKind.options.has(name)) options.set(name, value);
  options.set('weights', weightsValue(weights));
  options.set('default_language', rawString(checkedLanguage(draft.options.get('default_language'))));
  options.set('language_override', rawString(checkedOverride(draft.options.get('language_override'))));
  options.set('textIndexVersion', rawInt32(version));
  return { ...draft, key, options };
}

function checkedVersion(value: RawValue | undefined): number {
  if (value === undefined) return VERSION_NOW;
  if (!isNumericType(value.type)) throw refused("text index option 'textIndexVersion' must be a number");
  const version = Math.trunc(numberOf(value));
  if (version === 1) throw new CommandError('NotImplemented', 'textIndexVersion 1 is not implemented');
  if (version === 2 || version === 3) return version;
  throw refused(`bad textIndexVersion: ${version}`);
}

/** The key pattern with the searched fields replaced; these are added to `weights`. */
function checkedKey(key: Uint8Array, weights: Map<string, number>): Uint8Array {
  const writer = new BsonWriter().startDocument();
  let place: 'before' | 'words' | 'after' = 'before';
  const reader = new ElementReader(key);
  while (reader.next()) {
    if (maybeStringOf(reader) !== TEXT_PLUGIN) {
      if (place === 'words') place = 'after';
      checkPlainField(reader);
      writer.value(reader.name(), reader);
      continue;
    }
    if (place === 'after') throw refused("'text' fields in index must all be adjacent");
    if (place === 'before') writer.string(WORD_FIELD, TEXT_PLUGIN).int32(SCORE_FIELD, 1);
    place = 'words';
    if (reader.name() !== WORD_FIELD) {
      weights.set(reader.name(), 1);
      continue;
    }
    // A pattern in its stored form.
    checkScoreField(reader);
    place = 'after';
  }
  return writer.endDocument().finish();
}

/** Moves on to the field behind the words, which has to be that of the score. */
function checkScoreField(reader: ElementReader): void {
  if (!reader.next() || reader.name() !== SCORE_FIELD) throw refused('expected _ftsx after _fts');
  if (!isNumericType(reader.type) || numberOf(reader) !== 1) throw refused('expecting _ftsx:1');
}

function checkPlainField(reader: ElementReader): void {
  const name = reader.name();
  if (name === WORD_FIELD || name === SCORE_FIELD) {
    throw refused('text index with reserved fields _fts/_ftsx not allowed');
  }
  const direction = isNumericType(reader.type) ? Math.trunc(numberOf(reader)) : 0;
  if (direction === 1 || direction === -1) return;
  throw refused('expected value 1 or -1 for non-text key in compound index');
}

function addWeights(value: RawValue | undefined, weights: Map<string, number>): void {
  if (value === undefined) return;
  if (maybeStringOf(value) === EVERY_FIELD) {
    weights.set(EVERY_FIELD, 1);
    return;
  }
  if (value.type !== BSON_TYPE.object) throw refused("text index option 'weights' must be an object");
  const reader = new ElementReader(value.bytes, value.start);
  while (reader.next()) {
    if (!isNumericType(reader.type)) throw refused('weight for text index needs numeric type');
    weights.set(reader.name(), Number(integerOf(reader)));
  }
}

function weightsValue(weights: ReadonlyMap<string, number>): RawValue {
  if (weights.size === 0) throw refused("text index option 'weights' must specify fields or the wildcard");
  const writer = new BsonWriter().startDocument();
  for (const name of [...weights.keys()].sort()) {
    const weight = weights.get(name) ?? 1;
    if (!(weight > 0 && weight < WEIGHT_LIMIT)) {
      throw refused(`text index weight must be in the exclusive interval (0,${WEIGHT_LIMIT}) but found: ${weight}`);
    }
    if (name !== EVERY_FIELD) checkPath(name);
    writer.int32(name, weight);
  }
  return rawObject(writer.endDocument().finish());
}

function checkPath(path: string): void {
  if (path === '') throw refused('weight cannot be on an empty field');
  for (const part of path.split('.')) {
    if (part === '') throw refused('weight cannot have empty path component');
    if (part.startsWith('$')) throw refused('weight cannot have path component with $ prefix');
  }
}

function checkedLanguage(value: RawValue | undefined): string {
  if (value === undefined) return 'english';
  if (value.type !== BSON_TYPE.string) throw refused('default_language needs a string type');
  const name = stringOf(value);
  if (languageNamed(name) === undefined) throw refused('default_language is not valid');
  return name;
}

function checkedOverride(value: RawValue | undefined): string {
  if (value === undefined) return 'language';
  if (value.type !== BSON_TYPE.string) throw refused('language_override must be a string');
  const name = stringOf(value);
  if (name === '' || name.startsWith('$') || name.includes('.')) throw refused('language_override is not valid');
  return name;
}

/** The fields whose values a search has to pin before the words in the keys of a compound index. */
export function fieldsBeforeWords(fields: readonly IndexField[]): readonly IndexField[] {
  return fields.slice(
    0,
    fields.findIndex((field) => field.path === WORD_FIELD),
  );
}
