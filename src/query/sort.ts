/**
 * Sorting: a sort document becomes the recipe of a byte string per document whose memcmp order is the order asked for.
 * Keys are made once; comparing, merging and keeping the first few work on bytes alone. Under a collation, whose order no
 * bytes can have, keys hold the values themselves (`sort/collated_keys.ts`).
 */
import { CommandError } from '../base/command_error.ts';
import { compareBytes } from '../bson/bytes.ts';
import { countElements, ElementReader } from '../bson/elements.ts';
import { KeyWriter } from '../bson/key.ts';
import { BSON_TYPE, isNumericType } from '../bson/types.ts';
import { maybeStringOf, numberOf, rawDouble } from '../bson/value.ts';
import { describeElement } from './describe.ts';
import { fieldPathComponents } from './field_path.ts';
import type { DocumentMetadata } from './metadata.ts';
import { CollatedKeyWriter, collatedComparison } from './sort/collated_keys.ts';
import { SortKeyMaker, type SortKeyField } from './sort/sort_key.ts';
import { BINARY_ORDER, type ValueOrder } from './value_order.ts';

/** Source: the manual, "Sort on multiple fields": 32 keys. */
const SORT_KEYS_MAX = 32;

export type SortField = SortKeyField;

/** What sorts by metadata ask; an expression's scope has it. */
export interface SortScope {
  readonly metadata: DocumentMetadata;
  /** Uniform in [0, 1). */
  readonly random: (() => number) | undefined;
}

export interface SortSpec {
  readonly fields: readonly SortField[];
  /** The fields, when an index of them has their order; undefined under a collation. */
  readonly indexFields: readonly SortField[] | undefined;
  /**
   * The key of a document, owned by the caller: ordered as its bytes, unless there is a collation. Several array fields
   * in parallel are refused.
   */
  key(bytes: Uint8Array, at: number): Uint8Array;
  /** Of two keys. */
  readonly compare: (a: Uint8Array, b: Uint8Array) => number;
}

/**
 * Compiles a sort document; undefined when it is empty. `$natural` is the caller's to take out first. Without `scope`
 * there is no sorting by metadata.
 */
export function compileSort(
  spec: Uint8Array,
  order: ValueOrder = BINARY_ORDER,
  scope?: SortScope,
): SortSpec | undefined {
  const fields: SortField[] = [];
  const reader = new ElementReader(spec);
  while (reader.next()) fields.push(parseField(reader, scope));
  if (fields.length === 0) return undefined;
  if (fields.length > SORT_KEYS_MAX) throw new CommandError(13103, 'too many compound keys');
  if (order.collation === undefined) {
    const maker = new SortKeyMaker(fields, new KeyWriter(), compareBytes);
    const indexFields = fields.some((field) => field.known !== undefined) ? undefined : fields;
    return { fields, indexFields, key: (bytes, at) => maker.key(bytes, at), compare: compareBytes };
  }
  const compare = collatedComparison(fields, order);
  const maker = new SortKeyMaker(fields, new CollatedKeyWriter(), compare);
  return { fields, indexFields: undefined, key: (bytes, at) => maker.key(bytes, at), compare };
}

function parseField(reader: ElementReader, scope: SortScope | undefined): SortField {
  const path = reader.name();
  if (reader.type === BSON_TYPE.object) return metadataField(reader, scope);
  if (!isNumericType(reader.type)) {
    throw new CommandError(15974, `Illegal key in $sort specification: ${describeElement(path, reader)}`);
  }
  const direction = Math.trunc(numberOf(reader));
  if (direction !== 1 && direction !== -1) {
    throw new CommandError(15975, '$sort key ordering must be 1 (for ascending) or -1 (for descending)');
  }
  fieldPathComponents(path);
  return { path, descending: direction < 0 };
}

/** By what is known of documents: those that fit best, or are nearest, come first. */
function metadataField(spec: ElementReader, scope: SortScope | undefined): SortField {
  const inner = new ElementReader(spec.bytes, spec.start);
  if (!inner.next() || inner.name() !== '$meta') {
    throw new CommandError(17312, '$meta is the only expression supported by $sort right now');
  }
  if (countElements(spec.bytes, spec.start) > 1) {
    throw new CommandError('FailedToParse', 'Cannot have additional keys in a $meta sort specification');
  }
  const shown = describeElement('$meta', inner);
  const kind = maybeStringOf(inner) ?? '';
  if (!METADATA.has(kind)) throw new CommandError(31138, `Illegal $meta sort: ${shown}`);
  const random = scope?.random;
  if (kind === 'randVal' && random !== undefined) {
    return { path: '$meta', descending: false, known: () => rawDouble(random()) };
  }
  const metadata = scope?.metadata;
  if ((kind !== 'textScore' && kind !== 'geoNearDistance') || metadata === undefined) {
    throw new CommandError('NotImplemented', `sorting by metadata is not implemented here: ${shown}`);
  }
  metadata.ask(kind);
  return { path: '$meta', descending: kind === 'textScore', known: (document) => metadata.get(document, kind) };
}

const METADATA = new Set(['textScore', 'randVal', 'searchScore', 'vectorSearchScore', 'geoNearDistance']);
