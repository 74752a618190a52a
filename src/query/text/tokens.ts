/**
 * Texts as words. A word ends at white space and punctuation, wherever Unicode says that a character is of that sort;
 * words that mean little are left out, others are cut to their stems, then freed of case and diacritics.
 */
import { foldCase, withoutDiacritics } from './fold.ts';
import type { Language } from './language.ts';

/** The versions of text indexes whose rules are kept: the second knows ASCII's case and punctuation only. */
export type TextVersion = 2 | 3;

export interface TokenRules {
  readonly version: TextVersion;
  readonly keepsCase: boolean;
  readonly keepsDiacritics: boolean;
  readonly keepsStopWords: boolean;
}

const PUNCTUATION =
  '\\p{White_Space}\\p{Dash}\\p{Quotation_Mark}\\p{Terminal_Punctuation}\\p{Pattern_Syntax}\\p{Sentence_Terminal}' +
  // What the property Hyphen adds to these, which regular expressions do not know.
  '\\u00ad\\u30fb\\uff65';
const WORD = new RegExp(`[^${PUNCTUATION}]+`, 'gu');
const ENGLISH_WORD = new RegExp(`(?:'|[^${PUNCTUATION}])+`, 'gu');

const OLD_PUNCTUATION = ' \\f\\v\\t\\r\\n~`!@#$%^&*()\\-=+[\\]{}|\\\\;:"<>,./?';
const OLD_WORD = new RegExp(`[^'${OLD_PUNCTUATION}]+`, 'gu');
const OLD_ENGLISH_WORD = new RegExp(`[^${OLD_PUNCTUATION}]+`, 'gu');

/** The words of a text in their order, repeated ones as often as they are there. */
export function* tokensOf(text: string, language: Language, rules: TokenRules): Iterable<string> {
  const isOld = rules.version === 2;
  for (const [word] of text.matchAll(wordPattern(language, isOld))) {
    const lower = isOld ? lowerAscii(word) : foldCase(word, language.isTurkish);
    if (!rules.keepsStopWords && language.isStopWord(lower)) continue;
    const stem = language.stem(rules.keepsCase ? word : lower);
    yield isOld || rules.keepsDiacritics ? stem : withoutDiacritics(stem);
  }
}

function wordPattern(language: Language, isOld: boolean): RegExp {
  if (isOld) return language.isEnglish ? OLD_ENGLISH_WORD : OLD_WORD;
  return language.isEnglish ? ENGLISH_WORD : WORD;
}

export function lowerAscii(text: string): string {
  return text.replaceAll(/[A-Z]+/gu, (letters) => letters.toLowerCase());
}
