/** The languages of text search: which words count for nothing in them, and what is left of the others. */
import { newStemmer, type SnowballStemmer } from 'snowball-stemmers';
import { stopWordsOf } from './stop_words.ts';

/** By its two-letter code. Source: the manual, "Text Search Languages on Self-Managed Deployments". */
const NAME_BY_CODE: ReadonlyMap<string, string> = new Map([
  ['da', 'danish'],
  ['nl', 'dutch'],
  ['en', 'english'],
  ['fi', 'finnish'],
  ['fr', 'french'],
  ['de', 'german'],
  ['hu', 'hungarian'],
  ['it', 'italian'],
  ['nb', 'norwegian'],
  ['pt', 'portuguese'],
  ['ro', 'romanian'],
  ['ru', 'russian'],
  ['es', 'spanish'],
  ['sv', 'swedish'],
  ['tr', 'turkish'],
]);

/** Stems that are remembered for each language: texts repeat themselves. */
const STEMS_REMEMBERED_MAX = 20_000;

export class Language {
  readonly name: string;
  /** An apostrophe belongs to English words and ends others. */
  readonly isEnglish: boolean;
  /** Whether it has its own upper and lower case of the letter i. */
  readonly isTurkish: boolean;
  readonly #stopWords: ReadonlySet<string>;
  readonly #stemmer: SnowballStemmer | undefined;
  /** Only saves work: what it holds is what the stemmer would give. */
  readonly #stems = new Map<string, string>();

  constructor(name: string) {
    this.name = name;
    this.isEnglish = name === 'english';
    this.isTurkish = name === 'turkish';
    this.#stopWords = stopWordsOf(name);
    this.#stemmer = name === 'none' ? undefined : newStemmer(name);
  }

  /** `word` in lower case, with its diacritics. */
  isStopWord(word: string): boolean {
    return this.#stopWords.has(word);
  }

  stem(word: string): string {
    if (this.#stemmer === undefined) return word;
    const known = this.#stems.get(word);
    if (known !== undefined) return known;
    if (this.#stems.size >= STEMS_REMEMBERED_MAX) this.#stems.clear();
    const stem = this.#stemmer.stem(word);
    this.#stems.set(word, stem);
    return stem;
  }
}

const LANGUAGES: ReadonlyMap<string, Language> = new Map(
  ['none', ...NAME_BY_CODE.values()].map((name) => [name, new Language(name)]),
);

/** By name or code, in any case; undefined for languages that there are none of. */
export function languageNamed(name: string): Language | undefined {
  const lower = name.toLowerCase();
  return LANGUAGES.get(NAME_BY_CODE.get(lower) ?? lower);
}
