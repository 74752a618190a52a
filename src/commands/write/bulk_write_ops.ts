/** The operations of a bulkWrite, as its request lists them. */
import { CommandError } from '../../base/command_error.ts';
import type { RawValue } from '../../bson/value.ts';
import { Arguments } from '../arguments.ts';
import type { DeleteStatement } from './delete_statement.ts';
import { missingField } from '../fields.ts';
import { checkSortOption, type UpdateStatement } from './update_statement.ts';

/** What one operation does; `on` is the index of its collection in `nsInfo`. */
export type BulkOperation =
  | { readonly kind: 'insert'; readonly on: number; readonly document: Uint8Array }
  | { readonly kind: 'update'; readonly on: number; readonly statement: UpdateStatement }
  | { readonly kind: 'delete'; readonly on: number; readonly statement: DeleteStatement };

/** A collection that operations are on. */
export interface BulkNamespace {
  readonly ns: string;
  /** The `collectionUUID`. */
  readonly uuid: RawValue | undefined;
}

/** What a request asks for. */
export interface BulkWrite {
  readonly operations: readonly BulkOperation[];
  readonly namespaces: readonly BulkNamespace[];
  readonly ordered: boolean;
  readonly errorsOnly: boolean;
  readonly batchSize: number;
  readonly firstId: number | undefined;
  readonly ids: readonly number[] | undefined;
  /** The `let`. */
  readonly variables: Uint8Array | undefined;
  readonly bypassesValidation: boolean;
  readonly keepsEmptyTimestamps: boolean;
}

type Kind = BulkOperation['kind'];

/** All fields that operations have, whatever their kind. */
interface Fields {
  kind: Kind;
  on: number;
  document: Uint8Array | undefined;
  filter: Uint8Array | undefined;
  updateMods: RawValue | undefined;
  arrayFilters: RawValue | undefined;
  hint: RawValue | undefined;
  sort: Uint8Array | undefined;
  constants: Uint8Array | undefined;
  collation: Uint8Array | undefined;
  multi: boolean;
  upsert: boolean;
}

/** The fields of each kind besides the one that names it. */
const FIELDS: Readonly<Record<Kind, ReadonlySet<string>>> = {
  insert: new Set(['document']),
  update: new Set([
    ...['filter', 'sort', 'updateMods', 'upsert', 'upsertSupplied', 'arrayFilters', 'hint', 'constants', 'collation'],
    'multi',
  ]),
  delete: new Set(['filter', 'multi', 'hint', 'collation']),
};

/** Parses one operation: its first field names its kind and its collection. Throws CommandError. */
export function parseBulkOperation(document: Uint8Array): BulkOperation {
  const args = Arguments.ofDocument('bulkWrite.ops', document, 0);
  const kind = args.next() ? kindOf(args.name) : undefined;
  if (kind === undefined) {
    throw new CommandError('FailedToParse', 'Unrecognized operation in bulkWrite: it must be insert, update or delete');
  }
  const fields: Fields = {
    kind,
    on: indexOf(args),
    document: undefined,
    filter: undefined,
    updateMods: undefined,
    arrayFilters: undefined,
    hint: undefined,
    sort: undefined,
    constants: undefined,
    collation: undefined,
    multi: false,
    upsert: false,
  };
  while (args.next()) takeField(fields, args);
  return operationOf(fields);
}

function kindOf(name: string): Kind | undefined {
  return name === 'insert' || name === 'update' || name === 'delete' ? name : undefined;
}

function indexOf(args: Arguments): number {
  const index = args.integer();
  if (index >= 0) return index;
  const text = `BSON field '${args.name}' value must be >= 0, actual value '${index}'`;
  throw new CommandError(51_024, text);
}

function takeField(fields: Fields, args: Arguments): void {
  const { name } = args;
  if (!FIELDS[fields.kind].has(name)) {
    args.refuseUnknown();
    return;
  }
  switch (name) {
    case 'document':
    case 'filter':
    case 'sort':
    case 'constants':
    case 'collation':
      fields[name] = args.document();
      return;
    case 'updateMods':
      fields.updateMods = args.raw();
      return;
    case 'arrayFilters':
      args.documents();
      fields.arrayFilters = args.raw();
      return;
    case 'hint':
      fields.hint = args.hint();
      return;
    case 'multi':
    case 'upsert':
      fields[name] = args.bool();
      return;
    default:
      args.refuseUnsupported();
  }
}

function operationOf(fields: Fields): BulkOperation {
  const { kind, on, document, filter, updateMods, hint, multi, collation } = fields;
  if (kind === 'insert') {
    if (document === undefined) throw missingField('bulkWrite.ops.document');
    return { kind, on, document };
  }
  if (filter === undefined) throw missingField('bulkWrite.ops.filter');
  if (kind === 'delete') return { kind, on, statement: { q: filter, isMulti: multi, hint, collation } };
  if (updateMods === undefined) throw missingField('bulkWrite.ops.updateMods');
  const { upsert, arrayFilters, sort, constants } = fields;
  checkSortOption(sort, multi);
  const common = { q: filter, u: updateMods, isMulti: multi, isUpsert: upsert };
  return { kind, on, statement: { ...common, arrayFilters, hint, sort, constants, collation } };
}
