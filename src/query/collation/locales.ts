/**
 * The locales of collations: MongoDB knows those whose order its Unicode library has rules for. Source: the manual,
 * "Collation Locales and Default Parameters".
 */

/** Locale to its variants. */
const LOCALES: ReadonlyMap<string, readonly string[]> = new Map([
  ...'af am as be bg bs_Cyrl ca chr cy dsb dz ee el en en_US en_US_POSIX eo es et fa fa_AF fil fo fr fr_CA ga gl gu'
    .split(' ')
    .map(withoutVariants),
  ...'ha haw he hi hr hsb hu hy id ig is it ka kk km kok ku ky lb lkt lo lt lv mk mn mr ms mt my nb ne nl nn om or pa'
    .split(' ')
    .map(withoutVariants),
  ...'pl ps pt ro ru sk sl smn sq sr sr_Latn sv sw ta te th to tr ug uk ur vi wae yi yo zh_Hant zu cs da kl se bo az'
    .split(' ')
    .map(withoutVariants),
  ['ar', ['compat']],
  ['bn', ['traditional']],
  ['bs', []],
  ['de', ['phonebook', 'eor']],
  ['de_AT', ['phonebook']],
  ['es', ['traditional']],
  ['fi', ['traditional']],
  ['ja', ['unihan']],
  ['kn', ['traditional']],
  ['ko', ['unihan', 'searchjl']],
  ['ln', ['phonetic']],
  ['ml', []],
  ['si', ['dictionary']],
  ['sv', ['reformed']],
  ['vi', ['traditional']],
  ['zh', ['big5han', 'gb2312han', 'pinyin', 'stroke', 'unihan', 'zhuyin']],
  ['zh_Hant', ['stroke']],
]);

function withoutVariants(locale: string): readonly [string, readonly string[]] {
  return [locale, []];
}

/** Of any locale: for searching rather than sorting. */
const SEARCH = 'search';

/** Names of variants that JavaScript's locales shorten. */
const SHORT_VARIANTS: ReadonlyMap<string, string> = new Map([
  ['phonebook', 'phonebk'],
  ['traditional', 'trad'],
  ['dictionary', 'dict'],
  ['gb2312han', 'gb2312'],
]);

/** Canada's French differs from French in `backwards` alone, which is compared apart. */
const TAGS: ReadonlyMap<string, string> = new Map([
  ['en_US_POSIX', 'en-US-u-va-posix'],
  ['fr_CA', 'fr'],
]);

/** JavaScript's tag of a locale like 'de@collation=phonebook'; undefined for one that MongoDB does not know. */
export function languageTag(locale: string): string | undefined {
  const [name, keyword, ...rest] = locale.split('@');
  const variants = LOCALES.get(name);
  if (variants === undefined || rest.length > 0) return undefined;
  const tag = TAGS.get(name) ?? name.replaceAll('_', '-');
  if (keyword === undefined) return tag;
  const variant = keyword.startsWith('collation=') ? keyword.slice('collation='.length) : '';
  if (!variants.includes(variant) && variant !== SEARCH) return undefined;
  return `${tag}-u-co-${SHORT_VARIANTS.get(variant) ?? variant}`;
}

/** What a locale sets when a collation does not say. */
export interface LocaleDefaults {
  readonly caseFirst: 'upper' | 'off';
  readonly alternate: 'non-ignorable' | 'shifted';
  readonly normalization: boolean;
  readonly backwards: boolean;
}

const UPPER_FIRST = new Set(['da', 'mt']);
const NORMALIZED = new Set(
  'as bn fa gu he hi kn kok km ml mr ne or pa si ta te th vi yo ar@collation=compat'.split(' '),
);

export function localeDefaults(locale: string): LocaleDefaults {
  const [name] = locale.split('@');
  return {
    caseFirst: UPPER_FIRST.has(name) ? 'upper' : 'off',
    alternate: name === 'th' ? 'shifted' : 'non-ignorable',
    normalization: NORMALIZED.has(name),
    backwards: name === 'fr_CA',
  };
}
