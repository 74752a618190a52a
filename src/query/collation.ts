/**
 * Collations: the order of strings by the rules of a language.
 *
 * A collation is parsed from its document, with what it leaves unsaid filled in from its locale (`collation/locales.ts`),
 * and gives an order of strings (`collation/string_order.ts`) and from that an order of values (`collation/value_order.ts`).
 * Whoever compares is given a {@link ValueOrder} when it is compiled; the binary one knows nothing of all this.
 */
import { CommandError } from '../base/command_error.ts';
import { ElementReader } from '../bson/elements.ts';
import { BSON_TYPE, isNumericType, typeAlias } from '../bson/types.ts';
import { isWholeNumber, maybeStringOf, numberOf } from '../bson/value.ts';
import { BsonWriter } from '../bson/writer.ts';
import { languageTag, localeDefaults } from './collation/locales.ts';
import { describeDocument, describeElement } from './describe.ts';

export interface Collation {
  readonly locale: string;
  readonly caseLevel: boolean;
  readonly caseFirst: 'upper' | 'lower' | 'off';
  /** 1 compares letters, 2 accents too, 3 cases too, 4 what `alternate` shifted, 5 code points. */
  readonly strength: number;
  readonly numericOrdering: boolean;
  readonly alternate: 'non-ignorable' | 'shifted';
  readonly maxVariable: 'punct' | 'space';
  readonly normalization: boolean;
  readonly backwards: boolean;
  /** The whole document, as listCollections and listIndexes show it. */
  readonly document: Uint8Array;
}

/** The version of the Unicode library whose rules are meant. */
const VERSION = '57.1';

const DEFAULT_STRENGTH = 3;

/** Parses the document of a collation; undefined when it is the simple one. Throws CommandError. */
export function parseCollation(spec: Uint8Array): Collation | undefined {
  const fields = new CollationFields(spec);
  const locale = fields.locale();
  if (locale === 'simple') {
    fields.refuseOthers();
    return undefined;
  }
  if (languageTag(locale) === undefined) {
    throw new CommandError('BadValue', `Field 'locale' is invalid in: ${describeDocument(spec)}`);
  }
  const defaults = localeDefaults(locale);
  const collation = withDocument({
    locale,
    caseLevel: fields.bool('caseLevel', false),
    caseFirst: fields.oneOf('caseFirst', ['upper', 'lower', 'off'], defaults.caseFirst),
    strength: fields.strength(),
    numericOrdering: fields.bool('numericOrdering', false),
    alternate: fields.oneOf('alternate', ['non-ignorable', 'shifted'], defaults.alternate),
    maxVariable: fields.oneOf('maxVariable', ['punct', 'space'], 'punct'),
    normalization: fields.bool('normalization', defaults.normalization),
    backwards: fields.bool('backwards', defaults.backwards),
  });
  fields.checkVersion();
  fields.refuseUnknown();
  checkTogether(collation, fields);
  return collation;
}

/** Whether two collations order in the same way; undefined is the simple one. */
export function isSameCollation(a: Collation | undefined, b: Collation | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return describeDocument(a.document) === describeDocument(b.document);
}

function withDocument(fields: Omit<Collation, 'document'>): Collation {
  const writer = new BsonWriter(256).startDocument().string('locale', fields.locale);
  writer.bool('caseLevel', fields.caseLevel).string('caseFirst', fields.caseFirst).int32('strength', fields.strength);
  writer.bool('numericOrdering', fields.numericOrdering).string('alternate', fields.alternate);
  writer.string('maxVariable', fields.maxVariable).bool('normalization', fields.normalization);
  writer.bool('backwards', fields.backwards).string('version', VERSION);
  return { ...fields, document: writer.endDocument().finish() };
}

/** Options that make no sense with each other. Those that come from the locale pass. */
function checkTogether(collation: Collation, fields: CollationFields): void {
  const { caseFirst, caseLevel, strength, backwards, document } = collation;
  if (fields.has('caseFirst') && caseFirst !== 'off' && !caseLevel && strength <= 2) {
    throw new CommandError(
      'BadValue',
      `'caseFirst' is invalid unless 'caseLevel' is on or 'strength' is greater than 2 in: ${describeDocument(document)}`,
    );
  }
  if (fields.has('backwards') && backwards && strength === 1) {
    throw new CommandError('BadValue', `'backwards' is invalid with 'strength' of 1 in: ${describeDocument(document)}`);
  }
}

const KNOWN = new Set([
  ...['locale', 'caseLevel', 'caseFirst', 'strength', 'numericOrdering', 'alternate', 'maxVariable', 'normalization'],
  ...['backwards', 'version'],
]);

/** The fields as given; each is checked when it is asked for. */
class CollationFields {
  readonly #spec: Uint8Array;
  readonly #fields = new Map<string, ElementReader>();

  constructor(spec: Uint8Array) {
    this.#spec = spec;
    const reader = new ElementReader(spec);
    while (reader.next()) {
      const own = new ElementReader(spec);
      while (own.next() && own.elementStart !== reader.elementStart);
      this.#fields.set(reader.name(), own);
    }
  }

  has(name: string): boolean {
    return this.#fields.has(name);
  }

  locale(): string {
    if (!this.has('locale')) throw new CommandError('NoSuchKey', 'Missing expected field "locale"');
    return this.#string('locale') ?? '';
  }

  bool(name: string, byDefault: boolean): boolean {
    const field = this.#fields.get(name);
    if (field === undefined) return byDefault;
    if (field.type !== BSON_TYPE.bool) throw wrongType(name, field, 'bool');
    return field.bytes[field.start] !== 0;
  }

  oneOf<T extends string>(name: string, values: readonly T[], byDefault: T): T {
    const text = this.#string(name);
    if (text === undefined) return byDefault;
    const found = values.find((value) => value === text);
    if (found !== undefined) return found;
    const quoted = values.map((value) => `'${value}'`);
    const list = quoted.length === 2 ? quoted.join(' or ') : `${quoted.slice(0, -1).join(', ')}, or ${quoted.at(-1)}`;
    throw new CommandError('FailedToParse', `Field '${name}' must be ${list}. Got: ${text}`);
  }

  strength(): number {
    const field = this.#fields.get('strength');
    if (field === undefined) return DEFAULT_STRENGTH;
    if (!isNumericType(field.type)) throw wrongType('strength', field, 'number');
    if (!isWholeNumber(field)) {
      throw new CommandError(
        'BadValue',
        'Expected field "strength" to have a value exactly representable as a 64-bit integer, but found ' +
          describeElement('strength', field),
      );
    }
    const strength = numberOf(field);
    if (strength >= 1 && strength <= 5) return strength;
    throw new CommandError('FailedToParse', `Field 'strength' must be an integer 1 through 5. Got: ${strength}`);
  }

  checkVersion(): void {
    const version = this.#string('version');
    if (version === undefined || version === VERSION) return;
    const text = `Requested collation version ${version} but the only available collator version was ${VERSION}.`;
    throw new CommandError('IncompatibleCollationVersion', `${text} Requested collation spec: ${this.#shown()}`);
  }

  refuseUnknown(): void {
    for (const name of this.#fields.keys()) {
      if (KNOWN.has(name)) continue;
      const text = `Collation spec contains unknown field. Collation spec: ${this.#shown()}`;
      throw new CommandError('FailedToParse', text);
    }
  }

  refuseOthers(): void {
    if (this.#fields.size === 1) return;
    const text = `If locale=simple, no other fields should be present in: ${this.#shown()}`;
    throw new CommandError('FailedToParse', text);
  }

  #string(name: string): string | undefined {
    const field = this.#fields.get(name);
    if (field === undefined) return undefined;
    const text = field.type === BSON_TYPE.string ? maybeStringOf(field) : undefined;
    if (text === undefined) throw wrongType(name, field, 'string');
    return text;
  }

  #shown(): string {
    return describeDocument(this.#spec);
  }
}

function wrongType(name: string, { type }: ElementReader, expected: string): CommandError {
  return new CommandError(
    'TypeMismatch',
    `"${name}" had the wrong type. Expected ${expected}, found ${typeAlias(type)}`,
  );
}
