/** Texts without what tells upper from lower case, and without diacritics, letter by letter. */

const NOT_ASCII = /[^\0-\x7f]/u;
const DIACRITICS = /\p{Diacritic}/gu;

/** Letters whose lower case is not the one that all their cases share, and that have none of one letter. */
const KEPT = new Set(['\u0131', '\u0130']);

/** Every letter in the one case that stands for all, as Unicode's simple case folding has it. */
export function foldCase(text: string, isTurkish: boolean): string {
  const source = isTurkish ? text.replaceAll('I', '\u0131').replaceAll('\u0130', 'i') : text;
  if (!NOT_ASCII.test(source)) return source.toLowerCase();
  let folded = '';
  for (const letter of source) folded += foldLetter(letter);
  return folded;
}

function foldLetter(letter: string): string {
  if (letter <= '\x7f') return letter.toLowerCase();
  if (KEPT.has(letter)) return letter;
  const upper = letter.toUpperCase();
  const lower = (isOneLetter(upper) ? upper : letter).toLowerCase();
  return isOneLetter(lower) ? lower : letter;
}

const ONE_LETTER = /^.$/su;

function isOneLetter(text: string): boolean {
  return ONE_LETTER.test(text);
}

export function withoutDiacritics(text: string): string {
  if (!NOT_ASCII.test(text)) return text;
  return text.normalize('NFD').replaceAll(DIACRITICS, '').normalize('NFC');
}
