import { describe, expect, test } from 'vitest';
import { languageNamed, type Language } from './language.ts';
import { tokensOf, type TokenRules } from './tokens.ts';

const RULES: TokenRules = { version: 3, keepsCase: false, keepsDiacritics: false, keepsStopWords: false };

function language(name: string): Language {
  const found = languageNamed(name);
  if (found === undefined) throw new Error(`no language ${name}`);
  return found;
}

function words(text: string, name = 'none', rules: Partial<TokenRules> = {}): string[] {
  return [...tokensOf(text, language(name), { ...RULES, ...rules })];
}

describe('words', () => {
  test('end at punctuation and white space of any script', () => {
    expect(words('re-enter me@example.com 3.14 C++ foo/bar «a» b…c 日本 語')).toEqual([
      ...['re', 'enter', 'me', 'example', 'com', '3', '14', 'c', 'foo', 'bar', 'a', 'b', 'c', '日本', '語'],
    ]);
    expect(words('user_name')).toEqual(['user_name']);
  });

  test('have apostrophes in English only', () => {
    expect(words("rock'n'roll", 'english')).toEqual(["rock'n'rol"]);
    expect(words("l'homme", 'french')).toEqual(['homm']);
  });

  test('lose case and diacritics after they are stemmed', () => {
    expect(words('CAFÉ Olé naïve Ærø ΣΊΣΥΦΟΣ')).toEqual(['cafe', 'ole', 'naive', 'ærø', 'σισυφοσ']);
    expect(words('canciones niños', 'spanish')).toEqual(['cancion', 'nin']);
    expect(words('Café', 'none', { keepsDiacritics: true })).toEqual(['café']);
    expect(words('Café', 'none', { keepsCase: true })).toEqual(['Cafe']);
  });

  test('keep the dotless i apart in Turkish', () => {
    expect(words('IŞIK İzmir', 'turkish', { keepsDiacritics: true })[0]).toMatch(/^ış/u);
    expect(words('TITLE', 'english')).toEqual(['titl']);
  });

  test('that mean little are left out', () => {
    expect(words('The quick and the dead', 'english')).toEqual(['quick', 'dead']);
    expect(words('die Häuser und Gärten', 'german')).toEqual(['haus', 'gart']);
    expect(words('The quick', 'english', { keepsStopWords: true })).toEqual(['the', 'quick']);
  });

  test('of old indexes know ASCII only', () => {
    expect(words('CAFÉ—ole, Name', 'none', { version: 2 })).toEqual(['cafÉ—ole', 'name']);
  });
});

describe('languages', () => {
  test('go by name or code in any case', () => {
    expect(languageNamed('ES')).toBe(languageNamed('spanish'));
    expect(languageNamed('English')?.name).toBe('english');
    expect(languageNamed('klingon')).toBeUndefined();
  });

  test('each stem words of their own', () => {
    const stems: readonly (readonly [string, string, string])[] = [
      ['danish', 'husene', 'hus'],
      ['dutch', 'tuinen', 'tuin'],
      ['english', 'generations', 'generat'],
      ['finnish', 'talossa', 'talo'],
      ['french', 'chevaux', 'cheval'],
      ['german', 'häuser', 'haus'],
      ['hungarian', 'házak', 'ház'],
      ['italian', 'cavalli', 'cavall'],
      ['norwegian', 'husene', 'hus'],
      ['portuguese', 'casas', 'cas'],
      ['romanian', 'cărți', 'cărț'],
      ['russian', 'книги', 'книг'],
      ['spanish', 'canciones', 'cancion'],
      ['swedish', 'husen', 'hus'],
      ['turkish', 'kitaplar', 'kitap'],
    ];
    for (const [name, word, stem] of stems) expect(language(name).stem(word)).toBe(stem);
  });
});
