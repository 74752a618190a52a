/** `$out`: fills a temporary collection, which then takes the place of the target in one step. */
import { CommandError } from '../../base/command_error.ts';
import { invariant } from '../../base/invariant.ts';
import { equalBytes, fieldName } from '../../bson/bytes.ts';
import { findField } from '../../bson/elements.ts';
import { isTruthy } from '../../bson/value.ts';
import { describeDocument } from '../../query/describe.ts';
import type { OutSpec } from '../../query/pipeline/write_spec.ts';
import type { Collection } from '../catalog/collection.ts';
import { insertableDocument } from '../insertable.ts';
import type { MemberData } from '../member_data.ts';
import type { DocumentSink } from './pipeline_write.ts';
import { temporaryOptions } from '../catalog/temporary.ts';
import { newUuid, uuidText } from '../uuid.ts';
import {
  createCollection,
  createEmptyIndex,
  dropCollection,
  NO_OPTIONS,
  renameCollection,
} from '../write/write_catalog.ts';
import { insertDocument } from '../write/write_documents.ts';

const CAPPED = fieldName('capped');

/** What the target was like when its successor was made: it must be the same when that takes its place. */
interface Shape {
  readonly options: Uint8Array;
  readonly indexes: readonly Uint8Array[];
}

interface InsertHow {
  readonly bypassesValidation: boolean;
}

export class OutSink implements DocumentSink {
  readonly #data: MemberData;
  readonly #how: InsertHow;
  readonly #ns: string;
  readonly #before: Shape;
  /** Undefined once it took its place, or is gone. */
  #temporary: Collection | undefined;

  /** Makes the temporary collection, with the target's options and indexes. Throws 17152. */
  constructor(data: MemberData, { db, collection }: OutSpec, how: InsertHow) {
    this.#data = data;
    this.#how = how;
    this.#ns = `${db}.${collection}`;
    const target = data.catalog.find(this.#ns);
    if (target !== undefined) refuseCapped(target);
    this.#before = shapeOf(target);
    const name = `${db}.tmp.agg_out.${uuidText(newUuid(data.env.random))}`;
    const temporary = createCollection(data, name, temporaryOptions(this.#before.options));
    this.#temporary = temporary;
    for (const index of target?.indexes ?? []) createEmptyIndex(data, temporary, index.spec);
  }

  write(document: Uint8Array): 'done' {
    const collection = this.#target();
    insertDocument(this.#data, collection, insertableDocument(document, 0, this.#data), this.#how);
    return 'done';
  }

  endBatch(): void {}

  finish(): void {
    const temporary = this.#target();
    const target = this.#data.catalog.find(this.#ns);
    checkUnchanged(this.#ns, this.#before, shapeOf(target));
    renameCollection(this.#data, temporary, this.#ns, target);
    this.#temporary = undefined;
  }

  /** A member that is primary no more leaves it to the next one. */
  abandon(): void {
    const temporary = this.#temporary;
    this.#temporary = undefined;
    if (temporary === undefined || temporary.gone !== undefined || !this.#data.acceptsWrites) return;
    dropCollection(this.#data, temporary);
  }

  #target(): Collection {
    const temporary = this.#temporary;
    invariant(temporary !== undefined, 'documents are written while there is a collection for them');
    if (temporary.gone !== undefined) throw new CommandError('QueryPlanKilled', temporary.gone);
    return temporary;
  }
}

function refuseCapped({ ns, options }: Collection): void {
  const capped = findField(options, CAPPED);
  if (capped === undefined || !isTruthy(capped)) return;
  throw new CommandError(17152, `namespace '${ns}' is capped so it can't be used for $out`);
}

function shapeOf(collection: Collection | undefined): Shape {
  if (collection === undefined) return { options: NO_OPTIONS, indexes: [] };
  return { options: collection.options, indexes: collection.indexes.map(({ spec }) => spec.document) };
}

function checkUnchanged(ns: string, before: Shape, now: Shape): void {
  if (!equalBytes(before.options, now.options)) {
    throw new CommandError(
      'CommandFailed',
      `collection options of target collection ${ns} changed during processing. Original options: ` +
        `${describeDocument(before.options)}, new options: ${describeDocument(now.options)}`,
    );
  }
  const isSame =
    before.indexes.length === now.indexes.length && before.indexes.every((one, i) => equalBytes(one, now.indexes[i]));
  if (isSame) return;
  throw new CommandError('CommandFailed', `indexes of target collection ${ns} changed during processing.`);
}
