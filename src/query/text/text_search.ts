/**
 * What `$text` asks for. A search is words, of which one is enough; phrases in quotation marks, which must all be there
 * as they are; and words or phrases behind a minus sign, which must not be there.
 */
import { foldCase, withoutDiacritics } from './fold.ts';
import type { Language } from './language.ts';
import { languageOf, type TextFields, type TextValue } from './text_fields.ts';
import { lowerAscii, tokensOf, type TokenRules } from './tokens.ts';

/** As the client gave it. */
export interface TextQuery {
  readonly search: string;
  /** Undefined: that of the index. */
  readonly language: string | undefined;
  readonly caseSensitive: boolean;
  readonly diacriticSensitive: boolean;
}

/** A search taken apart, in the order in which explain shows it. */
interface SearchParts {
  /** Terms are sorted; phrases are as they were given. */
  readonly terms: readonly string[];
  readonly negatedTerms: readonly string[];
  readonly phrases: readonly string[];
  readonly negatedPhrases: readonly string[];
}

interface Pieces {
  /** Words to be cut into terms. */
  readonly wanted: readonly string[];
  readonly unwanted: readonly string[];
  readonly phrases: readonly string[];
  readonly negatedPhrases: readonly string[];
}

export class TextSearch {
  readonly query: TextQuery;
  readonly language: Language;
  readonly parts: SearchParts;
  /** What is looked for in the index, sorted. */
  readonly indexTerms: readonly string[];
  readonly #fields: TextFields;
  readonly #rules: TokenRules;
  readonly #wanted: ReadonlySet<string>;
  readonly #unwanted: ReadonlySet<string>;

  constructor(query: TextQuery, fields: TextFields) {
    this.query = query;
    this.#fields = fields;
    this.language = query.language === undefined ? fields.defaultLanguage : languageOf(query.language);
    this.#rules = {
      version: fields.version,
      keepsCase: query.caseSensitive,
      keepsDiacritics: query.diacriticSensitive,
      keepsStopWords: false,
    };
    const pieces = piecesOf(query.search);
    this.#wanted = this.#termsOf(pieces.wanted, this.#rules);
    this.#unwanted = this.#termsOf(pieces.unwanted, this.#rules);
    const plain = { ...this.#rules, keepsCase: false, keepsDiacritics: false };
    this.indexTerms = [...this.#termsOf(pieces.wanted, plain)].sort();
    this.parts = {
      terms: [...this.#wanted].sort(),
      negatedTerms: [...this.#unwanted].sort(),
      phrases: pieces.phrases,
      negatedPhrases: pieces.negatedPhrases,
    };
  }

  #termsOf(words: readonly string[], rules: TokenRules): ReadonlySet<string> {
    return new Set(tokensOf(words.join(' '), this.language, rules));
  }

  /** Whether a document is found; what the index says is not relied on. */
  matches(document: Uint8Array): boolean {
    const values = this.#fields.valuesOf(document);
    return this.#hasAny(values, this.#wanted) && this.#passes(values);
  }

  /** Whether a document is found that has one of {@link indexTerms}. */
  matchesIndexed(document: Uint8Array): boolean {
    const { caseSensitive, diacriticSensitive } = this.query;
    const { negatedPhrases, negatedTerms, phrases } = this.parts;
    const isPlain = !caseSensitive && !diacriticSensitive;
    if (isPlain && negatedTerms.length + phrases.length + negatedPhrases.length === 0) return true;
    const values = this.#fields.valuesOf(document);
    return (isPlain || this.#hasAny(values, this.#wanted)) && this.#passes(values);
  }

  /** The sum of what the terms count for in the document. */
  score(document: Uint8Array): number {
    const scores = this.#fields.scoresOf(document);
    let score = 0;
    for (const term of this.indexTerms) score += scores.get(term) ?? 0;
    return score;
  }

  #passes(values: readonly TextValue[]): boolean {
    return (
      !this.#hasAny(values, this.#unwanted) &&
      this.parts.phrases.every((phrase) => this.#hasPhrase(values, phrase)) &&
      !this.parts.negatedPhrases.some((phrase) => this.#hasPhrase(values, phrase))
    );
  }

  #hasAny(values: readonly TextValue[], terms: ReadonlySet<string>): boolean {
    if (terms.size === 0) return false;
    const rules = { ...this.#rules, keepsStopWords: true };
    for (const { text, language } of values) {
      for (const token of tokensOf(text, language, rules)) if (terms.has(token)) return true;
    }
    return false;
  }

  #hasPhrase(values: readonly TextValue[], phrase: string): boolean {
    return values.some(({ text, language }) => {
      const isTurkish = language.isTurkish;
      return this.#folded(text, isTurkish).includes(this.#folded(phrase, isTurkish));
    });
  }

  /** Phrases are compared letter by letter. */
  #folded(text: string, isTurkish: boolean): string {
    const { caseSensitive, diacriticSensitive } = this.query;
    if (this.#rules.version === 2) return caseSensitive ? text : lowerAscii(text);
    const cased = caseSensitive ? text : foldCase(text, isTurkish);
    return diacriticSensitive ? cased : withoutDiacritics(cased);
  }
}

/** A word, or one of the two signs, with whether white space stands before it. */
const PIECE = /([\n\v\f\r ]*)(?:(["-])|([^\n\v\f\r "-]+))/gu;

/** Takes a search apart. A minus sign counts at the start of a word or phrase, and on until the next white space. */
function piecesOf(search: string): Pieces {
  const wanted: string[] = [];
  const unwanted: string[] = [];
  const phrases: string[] = [];
  const negatedPhrases: string[] = [];
  let isNegated = false;
  let phraseStart: number | undefined;
  for (const match of search.matchAll(PIECE)) {
    const [whole, space, sign, word] = match;
    const isAfterSpace = space !== '' || match.index === 0;
    if (word !== undefined) {
      if (phraseStart !== undefined && isNegated) continue;
      if (isAfterSpace) isNegated = false;
      (isNegated ? unwanted : wanted).push(word);
    } else if (sign === '-') {
      if (phraseStart === undefined && isAfterSpace) isNegated = true;
    } else if (phraseStart === undefined) {
      if (isAfterSpace) isNegated = false;
      phraseStart = match.index + whole.length;
    } else {
      const phrase = search.slice(phraseStart, match.index + whole.length - 1);
      (isNegated ? negatedPhrases : phrases).push(phrase);
      phraseStart = undefined;
    }
  }
  return { wanted, unwanted, phrases, negatedPhrases };
}
