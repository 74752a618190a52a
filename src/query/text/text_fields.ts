/** What an index of texts is about: the fields, how much each counts, and the languages they are in. */
import { CommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { maybeStringOf, numberOf, stringOf } from '../../bson/value.ts';
import { languageNamed, type Language } from './language.ts';
import { lowerAscii, tokensOf, type TextVersion, type TokenRules } from './tokens.ts';

/** One string of a document that the index is about. */
export interface TextValue {
  readonly text: string;
  readonly language: Language;
  readonly weight: number;
}

/** Stands among the weights for every field. */
export const EVERY_FIELD = '$**';

const WEIGHTS = fieldName('weights');
const DEFAULT_LANGUAGE = fieldName('default_language');
const OVERRIDE = fieldName('language_override');
const VERSION = fieldName('textIndexVersion');

export class TextFields {
  readonly version: TextVersion;
  readonly defaultLanguage: Language;
  readonly #weights: ReadonlyMap<string, number>;
  readonly #isWildcard: boolean;
  /** The field that names the language of the document it is in. */
  readonly #override: Uint8Array;
  readonly #rules: TokenRules;

  /** From the stored spec of a text index, where everything is filled in. */
  constructor(spec: Uint8Array) {
    const weights = new Map<string, number>();
    const stored = findField(spec, WEIGHTS);
    const reader = stored === undefined ? new ElementReader() : new ElementReader(stored.bytes, stored.start);
    while (stored !== undefined && reader.next()) weights.set(reader.name(), numberOf(reader));
    this.#weights = weights;
    this.#isWildcard = weights.has(EVERY_FIELD);
    this.defaultLanguage = languageOf(textOption(spec, DEFAULT_LANGUAGE) ?? 'english');
    this.#override = fieldName(textOption(spec, OVERRIDE) ?? 'language');
    const version = findField(spec, VERSION);
    this.version = version !== undefined && isNumericType(version.type) && numberOf(version) === 2 ? 2 : 3;
    this.#rules = { version: this.version, keepsCase: false, keepsDiacritics: false, keepsStopWords: false };
  }

  /** The strings of a document, with their languages. Throws 17261 or 17262 for a bad language. */
  valuesOf(document: Uint8Array): TextValue[] {
    const values: TextValue[] = [];
    this.#collect(document, 0, { path: '', language: this.defaultLanguage, isArray: false }, values);
    return values;
  }

  /**
   * How much each word counts for a document. A word counts less each further time it is there, more the larger its
   * share of a text is, and a little more when it is all of it.
   */
  scoresOf(document: Uint8Array): ReadonlyMap<string, number> {
    const scores = new Map<string, number>();
    for (const { text, language, weight } of this.valuesOf(document)) {
      const words = new Map<string, number>();
      let total = 0;
      for (const word of tokensOf(text, language, this.#rules)) {
        words.set(word, (words.get(word) ?? 0) + 1);
        total += 1;
      }
      for (const [word, count] of words) {
        // 1 + 1/2 + 1/4 + …
        const frequency = 2 - 2 ** (1 - count);
        const share = (0.5 * count) / total + 0.5;
        const isAll = word.length === text.length && lowerAscii(word) === lowerAscii(text);
        scores.set(word, (scores.get(word) ?? 0) + weight * frequency * share * (isAll ? 1.1 : 1));
      }
    }
    return scores;
  }

  #collect(bytes: Uint8Array, at: number, place: Place, values: TextValue[]): void {
    const language = place.isArray ? place.language : this.#languageIn(bytes, at, place.language);
    const reader = new ElementReader(bytes, at);
    while (reader.next()) {
      if (this.#isWildcard && reader.nameEquals(this.#override)) continue;
      const path = pathIn(place, reader);
      if (reader.type === BSON_TYPE.string) {
        const weight = this.#weights.get(path) ?? this.#weights.get(EVERY_FIELD);
        if (weight !== undefined) values.push({ text: stringOf(reader), language, weight });
      } else if (reader.type === BSON_TYPE.object) {
        if (this.#leadsFurther(path)) this.#collect(bytes, reader.start, { path, language, isArray: false }, values);
      } else if (reader.type === BSON_TYPE.array && (this.#isWildcard || !place.isArray) && this.#concerns(path)) {
        this.#collect(bytes, reader.start, { path, language, isArray: true }, values);
      }
    }
  }

  #leadsFurther(path: string): boolean {
    if (this.#isWildcard) return true;
    for (const weighted of this.#weights.keys()) if (weighted.startsWith(`${path}.`)) return true;
    return false;
  }

  #concerns(path: string): boolean {
    return this.#weights.has(path) || this.#leadsFurther(path);
  }

  #languageIn(bytes: Uint8Array, at: number, around: Language): Language {
    const value = findField(bytes, this.#override, at);
    if (value === undefined) return around;
    if (value.type !== BSON_TYPE.string) {
      throw new CommandError(17_261, 'found language override field in document with non-string type');
    }
    const language = languageNamed(stringOf(value));
    if (language === undefined) {
      throw new CommandError(17_262, `language override unsupported: ${stringOf(value)}`);
    }
    return language;
  }
}

/** Items of an array have its path. */
function pathIn({ isArray, path }: Place, reader: ElementReader): string {
  if (isArray) return path;
  return path === '' ? reader.name() : `${path}.${reader.name()}`;
}

/** Where the walk through a document stands. */
interface Place {
  readonly path: string;
  readonly language: Language;
  readonly isArray: boolean;
}

function textOption(spec: Uint8Array, name: Uint8Array): string | undefined {
  const value = findField(spec, name);
  return value === undefined ? undefined : maybeStringOf(value);
}

/** Throws BadValue for a language that there is none of. */
export function languageOf(name: string): Language {
  const language = languageNamed(name);
  if (language !== undefined) return language;
  throw new CommandError('BadValue', `unsupported language: "${name}" for text index version 3`);
}
