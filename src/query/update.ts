/**
 * Updates: what `update`, `findAndModify` and their oplog entries do to a document.
 *
 * A document of modifiers is parsed once into a tree over path components (`update/tree.ts`; the modifiers are in
 * `update/modifiers.ts`). Applied to a document, the tree gives a list of edits (`update/collect.ts`), and that one list
 * gives both the new bytes (`update/apply_edits.ts`) and the `$v: 2` entry of the oplog (`update/diff.ts`). A secondary
 * reads the list back from the entry and applies it with the same function, so both ends hold the same bytes, and
 * applying an entry again changes nothing. The commonest updates, numbers and flags set in place, skip all that and
 * patch a copy (`update/in_place.ts`).
 *
 * An update by a pipeline computes the whole new document (`update/pipeline_update.ts`); its edits are found by comparing.
 */
import { CommandError } from '../base/command_error.ts';
import { BSON_OBJECT_SIZE_BYTES_MAX } from '../base/limits.ts';
import { equalBytes } from '../bson/bytes.ts';
import { ElementReader, findField, isEmptyDocument } from '../bson/elements.ts';
import { BSON_TYPE } from '../bson/types.ts';
import { documentDepth, STORED_DOCUMENT_LIMITS } from '../bson/validate.ts';
import type { RawValue } from '../bson/value.ts';
import { BsonWriter } from '../bson/writer.ts';
import { BARE_SCOPE, type ExpressionScope } from './expression.ts';
import { matchedArrayIndex } from './match/positional.ts';
import type { CompiledFilter } from './matcher.ts';
import { applyEdits } from './update/apply_edits.ts';
import { collectEdits } from './update/collect.ts';
import type { UpdateContext, UpdateResult } from './update/context.ts';
import { readDiff, writeDiff } from './update/diff.ts';
import { ID_FIELD } from './update/document_id.ts';
import { isEmptyEdits, type DocumentEdits } from './update/edits.ts';
import { refuseIdEdits, refuseOtherId } from './update/immutable_id.ts';
import { parseInPlace } from './update/in_place.ts';
import { parseModifiers, type ParsedModifiers } from './update/parse.ts';
import { compileUpdatePipeline, diffOfDocuments } from './update/pipeline_update.ts';
import { checkReplacement, isSameDocument, replacementFor } from './update/replacement.ts';
import { refuseDollarNames } from './update/top_level_names.ts';
import { checkIdType, upsertIdSeed, upsertSeed } from './update/upsert.ts';

export interface UpdateOptions {
  /** What expressions see, in updates by a pipeline, and the order of values. */
  readonly scope?: ExpressionScope;
  /** Array of filters for `$[name]`; absent when the statement has none. */
  readonly arrayFilters?: RawValue | undefined;
}

export type { UpdateContext, UpdateResult } from './update/context.ts';

export interface CompiledUpdate {
  readonly kind: 'replacement' | 'modifiers';
  /** Applies to one whole document. Neither argument is changed; the result is owned by the caller. */
  apply(document: Uint8Array, context: UpdateContext): UpdateResult;
  /** As `apply` to the seed of an upsert: `$setOnInsert` counts, and the result is the document to insert. */
  applyToSeed(seed: Uint8Array, context: UpdateContext): Uint8Array;
}

const NOOP: UpdateResult = { kind: 'noop' };
const DOLLAR = 0x24;

/**
 * Compiles the `u` of an update statement: a replacement or a document of modifiers. `update` must not change
 * afterwards. Throws CommandError for what the server would refuse.
 */
export function compileUpdate(update: RawValue, options: UpdateOptions = {}): CompiledUpdate {
  if (update.type === BSON_TYPE.array) return compileByPipeline(update, options);
  if (update.type !== BSON_TYPE.object) {
    throw new CommandError('FailedToParse', 'Update argument must be either an object or an array');
  }
  if (isModifierDocument(update)) {
    return compileModifiers(update, parseModifiers(update, options.arrayFilters, options.scope ?? BARE_SCOPE));
  }
  checkReplacement(update);
  return compileReplacement(update);
}

/** Decided by the first field, as in filters. */
function isModifierDocument(update: RawValue): boolean {
  const first = new ElementReader(update.bytes, update.start);
  return first.next() && update.bytes[first.nameStart] === DOLLAR;
}

function compileReplacement(replacement: RawValue): CompiledUpdate {
  return {
    kind: 'replacement',
    apply(document, context) {
      const result = replacementFor(document, replacement, context);
      refuseOtherId(document, result);
      refuseTooLarge(result);
      refuseTooDeep(result);
      return isSameDocument(document, replacement) ? NOOP : { kind: 'changed', document: result, diff: undefined };
    },
    applyToSeed(seed, context) {
      const result = replacementFor(seed, replacement, context);
      refuseOtherId(seed, result);
      return result;
    },
  };
}

function compileByPipeline(update: RawValue, { arrayFilters, scope = BARE_SCOPE }: UpdateOptions): CompiledUpdate {
  if (arrayFilters !== undefined && !isEmptyDocument(arrayFilters.bytes, arrayFilters.start)) {
    throw new CommandError('FailedToParse', 'arrayFilters may not be specified for pipeline-syle updates');
  }
  const transform = compileUpdatePipeline(update, scope);
  return {
    kind: 'modifiers',
    apply(document) {
      const result = transform(document);
      refuseOtherId(document, result);
      if (equalBytes(document, result)) return NOOP;
      refuseTooLarge(result);
      refuseTooDeep(result);
      return { kind: 'changed', document: result, diff: diffOfDocuments(document, result) };
    },
    applyToSeed(seed) {
      const result = transform(seed);
      refuseOtherId(seed, result);
      return result;
    },
  };
}

function compileModifiers(update: RawValue, parsed: ParsedModifiers): CompiledUpdate {
  const inPlace = parseInPlace(update);
  const edit = (document: Uint8Array, context: UpdateContext, isInsert: boolean): DocumentEdits => {
    const edits = collectEdits(parsed.root, document, {
      context,
      isInsert,
      arrayFilters: parsed.arrayFilters,
      matchedIndex: () => matchedIndex(document, context, isInsert),
    });
    refuseIdEdits(edits, isInsert);
    if (!isInsert) refuseDollarNames(edits);
    return edits;
  };
  return {
    kind: 'modifiers',
    apply(document, context) {
      const patched = inPlace?.apply(document);
      if (patched !== undefined) return patched;
      const edits = edit(document, context, false);
      if (isEmptyEdits(edits)) return NOOP;
      const result = applyEdits(document, edits);
      refuseTooLarge(result);
      if (parsed.mayNestTooDeep) refuseTooDeep(result);
      return { kind: 'changed', document: result, diff: writeDiff(edits) };
    },
    applyToSeed: (seed, context) => applyEdits(seed, edit(seed, context, true)),
  };
}

function matchedIndex(document: Uint8Array, context: UpdateContext, isInsert: boolean): number {
  const predicate = isInsert ? undefined : context.filter?.predicate;
  const index = predicate === undefined ? undefined : matchedArrayIndex(predicate, document);
  if (index !== undefined) return index;
  throw new CommandError('BadValue', 'The positional operator did not find the match needed from the query.');
}

function refuseTooLarge(document: Uint8Array): void {
  if (document.length <= BSON_OBJECT_SIZE_BYTES_MAX) return;
  throw new CommandError(17419, `Resulting document after update is larger than ${BSON_OBJECT_SIZE_BYTES_MAX}`);
}

function refuseTooDeep(document: Uint8Array): void {
  const { depthMax } = STORED_DOCUMENT_LIMITS;
  if (documentDepth(document) <= depthMax) return;
  throw new CommandError('Overflow', `Document exceeds maximum nesting depth of ${depthMax}`);
}

/**
 * The document an upsert inserts: the filter's equalities, then the update; `_id` first, generated when absent. A
 * replacement takes nothing but the `_id` from the filter.
 */
export function upsertDocument(filter: CompiledFilter, update: CompiledUpdate, context: UpdateContext): Uint8Array {
  const seed = update.kind === 'replacement' ? upsertIdSeed(filter.predicate) : upsertSeed(filter.predicate);
  const result = withIdFirst(update.applyToSeed(seed, context), context);
  refuseTooLarge(result);
  refuseTooDeep(result);
  return result;
}

function withIdFirst(document: Uint8Array, context: UpdateContext): Uint8Array {
  const id = findField(document, ID_FIELD);
  if (id !== undefined) checkIdType(id);
  const writer = new BsonWriter().startDocument();
  if (id === undefined) writer.objectId(ID_FIELD, context.objectId());
  else writer.value(ID_FIELD, id);
  const reader = new ElementReader(document);
  while (reader.next()) if (!reader.nameEquals(ID_FIELD)) writer.element(document, reader.elementStart, reader.end);
  return writer.endDocument().finish();
}

/** Applies the `o` of an update entry ({$v: 2, diff: …}) to a document. Applying it again changes nothing. */
export function applyDiff(document: Uint8Array, entry: Uint8Array): Uint8Array {
  return applyEdits(document, readDiff(entry));
}
