import { describe, expect, test } from 'vitest';
import { encodeDocument } from '../../bson/codec.ts';
import { TextFields } from './text_fields.ts';
import { TextSearch } from './text_search.ts';

function fields(weights: object = { t: 1 }, language = 'english'): TextFields {
  const spec = { weights, default_language: language, language_override: 'language', textIndexVersion: 3 };
  return new TextFields(encodeDocument(spec));
}

function search(text: string, options: { language?: string; caseSensitive?: boolean } = {}): TextSearch {
  const { caseSensitive = false, language } = options;
  return new TextSearch({ search: text, language, caseSensitive, diacriticSensitive: false }, fields());
}

function scores(document: object, of = fields(undefined, 'none')): object {
  return Object.fromEntries(of.scoresOf(encodeDocument(document)));
}

describe('a search', () => {
  test('is taken apart into terms, exclusions and phrases', () => {
    expect(search('Running the dogs -cats "Red Wine" -"old cheese"').parts).toEqual({
      terms: ['dog', 'red', 'run', 'wine'],
      negatedTerms: ['cat'],
      phrases: ['Red Wine'],
      negatedPhrases: ['old cheese'],
    });
  });

  test('excludes from a minus sign to the next white space', () => {
    expect(search('a1 -b2-c3 - d4 e5-f6').parts).toMatchObject({
      terms: ['a1', 'd4', 'e5', 'f6'],
      negatedTerms: ['b2', 'c3'],
    });
    expect(search('-"x y"-"z" w').parts).toMatchObject({ negatedPhrases: ['x y', 'z'], terms: ['w'] });
  });

  test('may have a phrase that is not closed', () => {
    expect(search('"deep sea').parts).toMatchObject({ phrases: [], terms: ['deep', 'sea'] });
  });

  test('that minds case looks for any case in the index', () => {
    const minding = search('Skies', { caseSensitive: true });
    expect(minding.parts.terms).toEqual(['Ski']);
    expect(minding.indexTerms).toEqual(['sky']);
  });

  test('finds what has one of the words, every phrase and nothing excluded', () => {
    const finds = (text: string, t: string): boolean => search(text).matches(encodeDocument({ t }));
    expect(finds('runs foxes', 'a RUN of luck')).toBe(true);
    expect(finds('"deep sea" ship', 'deep seas')).toBe(true);
    expect(finds('"deep sea" ship', 'the sea is deep, a ship')).toBe(false);
    expect(finds('deep -"deep sea"', 'deep sea')).toBe(false);
    expect(finds('deep -seas', 'deep sea')).toBe(false);
    expect(finds('"ee"', 'deep')).toBe(false);
    expect(finds('the', 'the')).toBe(false);
  });
});

describe('scores', () => {
  test('fall with the length of the text and rise with repetition', () => {
    expect(scores({ t: 'x' })).toEqual({ x: 1.1 });
    expect(scores({ t: 'x y' })).toEqual({ x: 0.75, y: 0.75 });
    expect(scores({ t: 'x y z w' })).toMatchObject({ x: 0.625 });
    expect(scores({ t: 'x x y' })).toMatchObject({ x: 1.5 * (0.5 * (2 / 3) + 0.5) });
  });

  test('are weighted by field and add up over fields and items', () => {
    const weighted = fields({ a: 3, 'b.c': 2 }, 'none');
    expect(scores({ a: 'x', b: [{ c: 'x' }, { c: ['x y', 5] }], d: 'x' }, weighted)).toEqual({
      x: 3 * 1.1 + 2 * 1.1 + 2 * 0.75,
      y: 1.5,
    });
  });

  test('of an index of every field count all strings', () => {
    expect(scores({ a: 'x', b: { c: ['x'] }, n: 5 }, fields({ '$**': 1, a: 2 }, 'none'))).toEqual({ x: 2.2 + 1.1 });
  });
});

describe('the language of a document', () => {
  test('is its own, that of what is around it, or the default', () => {
    const document = { t: 'running', language: 'none', inner: { t: 'running', language: 'en' } };
    expect(scores(document, fields({ t: 1, 'inner.t': 1 }))).toMatchObject({ running: 1.1, run: 1 });
  });

  test('must be one that there is', () => {
    expect(() => scores({ t: 'x', language: 'klingon' })).toThrow('language override unsupported: klingon');
    expect(() => scores({ t: 'x', language: 5 })).toThrow('non-string type');
  });
});
