/** `$merge`: each document updates the one of the target that has the same values in the fields of `on`, or is inserted. */
import { CommandError, isCommandError } from '../../base/command_error.ts';
import { isInterruption, isNotPrimaryError, isShutdownError } from '../../base/error_codes.ts';
import { fieldName } from '../../bson/bytes.ts';
import { findField } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { RAW_NULL, rawObject, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { orderOf } from '../../query/collation/value_order.ts';
import { isSameCollation } from '../../query/collation.ts';
import { commandScope, type ExpressionScope } from '../../query/expression.ts';
import { compileFilter } from '../../query/matcher.ts';
import { valueThroughDocuments } from '../../query/pipeline/set_at_path.ts';
import type { MergeSpec, WhenMatched } from '../../query/pipeline/write_spec.ts';
import { compileUpdate, type CompiledUpdate } from '../../query/update.ts';
import type { IndexSpec } from '../index_kinds/index_kind.ts';
import { ID_NAME, insertableDocument } from '../insertable.ts';
import type { MemberData } from '../member_data.ts';
import type { DocumentSink } from './pipeline_write.ts';
import type { Turn } from '../turn.ts';
import { UpdateRun } from './update_run.ts';
import { createCollection } from '../write/write_catalog.ts';
import { insertDocument } from '../write/write_documents.ts';

/** The modifier that does what an update by `$merge` does with the whole document. */
const MODIFIERS: Partial<Record<WhenMatched, string>> = { merge: '$set', keepExisting: '$setOnInsert' };

interface OnField {
  readonly path: string;
  readonly names: readonly Uint8Array[];
}

interface Running {
  /** Undefined when the document is only inserted. */
  readonly run: UpdateRun | undefined;
  readonly document: Uint8Array;
}

interface MergeHow {
  readonly turn: Turn;
  readonly bypassesValidation: boolean;
}

export class MergeSink implements DocumentSink {
  readonly #data: MemberData;
  readonly #spec: MergeSpec;
  readonly #how: MergeHow;
  readonly #ns: string;
  readonly #on: readonly OnField[];
  /** Of the filters: that of the target, whatever the pipeline's is. */
  readonly #scope: ExpressionScope;
  /** Whether a field of `on` may be null or missing: then the index over them holds such documents, too. */
  readonly #allowsNull: boolean;
  /** The document that is being written, between two turns. */
  #running: Running | undefined;
  #pipeline: CompiledUpdate | undefined;
  /** The first of the batch. The documents after it are written all the same. */
  #failure: CommandError | undefined;

  /** Throws 51183 when no unique index is over the fields of `on`. */
  constructor(data: MemberData, spec: MergeSpec, how: MergeHow) {
    this.#data = data;
    this.#spec = spec;
    this.#how = how;
    this.#ns = `${spec.db}.${spec.collection}`;
    this.#on = spec.on.map((path) => ({ path, names: path.split('.').map(fieldName) }));
    this.#scope = commandScope({ order: orderOf(data.catalog.find(this.#ns)?.collation) });
    this.#allowsNull = requireUniqueIndex(data, spec).allowsNull;
  }

  write(document: Uint8Array): 'done' | 'pause' {
    this.#running ??= this.#start(document);
    const { run, document: whole } = this.#running;
    try {
      if (run?.advance() === 'pause') return 'pause';
      if (run === undefined || run.matched === 0) this.#writeNew(whole);
    } catch (error) {
      this.#note(error, run !== undefined);
    }
    this.#running = undefined;
    return 'done';
  }

  endBatch(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
  }

  finish(): void {}

  /** What was written stays. */
  abandon(): void {}

  #start(document: Uint8Array): Running {
    const whole = this.#withId(document);
    const filter = this.#filterFor(whole);
    return { run: this.#spec.whenMatched === 'fail' ? undefined : this.#open(whole, filter), document: whole };
  }

  /** A document without counterpart. */
  #writeNew(document: Uint8Array): void {
    const { whenNotMatched } = this.#spec;
    if (whenNotMatched === 'fail') throw noMatch();
    if (whenNotMatched === 'discard') return;
    const data = this.#data;
    const whole = insertableDocument(document, 0, data);
    insertDocument(data, data.catalog.find(this.#ns) ?? createCollection(data, this.#ns), whole, this.#how);
  }

  /** Keeps what a single write failed with; rethrows what ends the whole command. */
  #note(error: unknown, isUpdate: boolean): void {
    this.#running = undefined;
    if (!(error instanceof CommandError)) throw error;
    const { code } = error;
    if (isInterruption(code) || isNotPrimaryError(code) || isShutdownError(code)) throw error;
    this.#failure ??= isUpdate && isCommandError(error, 'ImmutableField') ? otherId(error) : error;
  }

  /** A document that is found by its `_id` gets one when it has none. */
  #withId(document: Uint8Array): Uint8Array {
    if (!this.#spec.on.includes('_id') || findField(document, ID_NAME) !== undefined) return document;
    return insertableDocument(document, 0, this.#data);
  }

  /** The filter that finds the document's counterpart. Throws 51132 or 51185. */
  #filterFor(document: Uint8Array): Uint8Array {
    const writer = new BsonWriter().startDocument();
    for (const { path, names } of this.#on) {
      writer
        .startSubdocument(path)
        .value('$eq', this.#checked(path, valueThroughDocuments(document, names)))
        .end();
    }
    return writer.endDocument().finish();
  }

  #checked(path: string, value: RawValue | undefined): RawValue {
    if (value?.type === BSON_TYPE.array) {
      throw new CommandError(51185, `$merge write error: 'on' field '${path}' is an array`);
    }
    const isNull = value === undefined || value.type === BSON_TYPE.null || value.type === BSON_TYPE.undefined;
    if (!isNull) return value;
    if (this.#allowsNull) return RAW_NULL;
    const text = `$merge write error: 'on' field '${path}' cannot be missing, null, undefined or an array`;
    throw new CommandError(51132, text);
  }

  #open(document: Uint8Array, filter: Uint8Array): UpdateRun {
    const { whenMatched, whenNotMatched } = this.#spec;
    // A pipeline is not applied to what is inserted.
    const isUpsert = whenNotMatched === 'insert' && whenMatched !== 'pipeline';
    const spec = {
      filter: compileFilter(filter, this.#scope),
      update: this.#updateFor(document),
      isMulti: false,
      isUpsert,
      hint: undefined,
      sort: undefined,
      statement: undefined,
      image: undefined,
      bypassesValidation: this.#how.bypassesValidation,
    };
    return new UpdateRun(this.#data, this.#ns, spec, this.#how.turn);
  }

  #updateFor(document: Uint8Array): CompiledUpdate {
    const { whenMatched, update } = this.#spec;
    if (update !== undefined) {
      this.#pipeline ??= compileUpdate(update.stages, { scope: update.scope });
      update.variables.set(document);
      return this.#pipeline;
    }
    const modifier = MODIFIERS[whenMatched];
    if (modifier === undefined) return compileUpdate(rawObject(document));
    const writer = new BsonWriter(document.length + 32).startDocument().document(modifier, document);
    return compileUpdate(rawObject(writer.endDocument().finish()));
  }
}

function otherId(error: CommandError): CommandError {
  const text =
    '$merge failed to update the matching document, did you attempt to modify the _id or the shard key? ' +
    `:: caused by :: ${error.message}`;
  return new CommandError('ImmutableField', text, {}, { cause: error });
}

function noMatch(): CommandError {
  return new CommandError(
    'MergeStageNoMatchingDocument',
    '$merge could not find a matching document in the target collection for at least one document in the source collection',
  );
}

/**
 * There must be a unique index over exactly the fields of `on`, in any order; else throws 51183. A sparse one holds no
 * documents without them.
 */
export function requireUniqueIndex(
  { catalog }: MemberData,
  { db, collection, on, collation }: MergeSpec,
): { readonly allowsNull: boolean } {
  const target = catalog.find(`${db}.${collection}`);
  const isById = on.length === 1 && on[0] === '_id';
  if (isById && (target === undefined || isSameCollation(target.collation, collation))) return { allowsNull: false };
  let isSparse = false;
  for (const { spec } of target?.indexes ?? []) {
    if (!isUniqueOver(spec, on) || !isSameCollation(spec.equality?.collation, collation)) continue;
    if (!spec.isSparse) return { allowsNull: true };
    isSparse = true;
  }
  if (isSparse) return { allowsNull: false };
  throw new CommandError(51183, 'Cannot find index to verify that join fields will be unique');
}

function isUniqueOver({ isUnique, partialFilter, fields }: IndexSpec, on: readonly string[]): boolean {
  if (!isUnique || partialFilter !== undefined || fields.length !== on.length) return false;
  return fields.every(({ path, plugin }) => plugin === undefined && on.includes(path));
}
