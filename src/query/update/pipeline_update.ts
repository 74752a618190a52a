/** Updates by an aggregation pipeline: the document is what goes in, and what comes out replaces it. */
import { CommandError } from '../../base/command_error.ts';
import { equalBytes } from '../../bson/bytes.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { rawObject, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { ExpressionScope } from '../expression.ts';
import { compileUpdateStages } from '../pipeline.ts';
import { ListSource } from '../pipeline/list_source.ts';
import { PAUSE } from '../pipeline/source.ts';
import { applyEdits } from './apply_edits.ts';
import { itemsOf } from './array_value.ts';
import { writeDiff } from './diff.ts';
import { documentDiff } from './document_diff.ts';
import { ID_FIELD } from './document_id.ts';

/** Stages that make one document of one. */
const STAGES = new Set(['$addFields', '$set', '$project', '$unset', '$replaceRoot', '$replaceWith']);

/** Those of them that change the document where it is. */
const IN_PLACE_STAGES = new Set(['$addFields', '$set', '$unset']);

/** Makes the new document, its `_id` first. The `_id` of the old one is kept when the new one has none. */
export type DocumentPipeline = (document: Uint8Array) => Uint8Array;

/** `stages` is an array. Throws CommandError for what the server would refuse. */
export function compileUpdatePipeline(stages: RawValue, scope: ExpressionScope): DocumentPipeline {
  const documents = itemsOf(stages).map((stage) => {
    if (stage.type !== BSON_TYPE.object) {
      throw new CommandError('TypeMismatch', "Each element of the 'pipeline' array must be an object");
    }
    return stage.bytes.slice(stage.start, stage.end);
  });
  const names = documents.map(stageName);
  const keepsPlaces = names.every((name) => IN_PLACE_STAGES.has(name));
  const pipeline = compileUpdateStages(documents, { ...UNREACHABLE, scope });
  return (document) => {
    const source = pipeline.open(new ListSource([document]), 0);
    const result = source.next();
    const after = result === undefined || result === PAUSE ? document : result;
    return withIdFirst(document, keepsPlaces ? inFormerOrder(document, after) : after);
  };
}

/** No stage of an update looks at collections or asks for chance. */
const UNREACHABLE = {
  db: '',
  ns: '',
  system(): never {
    throw new CommandError('InvalidOptions', 'an update does not look at the server');
  },
  collections: {
    open(): never {
      throw new CommandError('InvalidOptions', 'an update reads no other collections');
    },
  },
  random(): never {
    throw new CommandError('InvalidOptions', 'an update takes no samples');
  },
};

function stageName(stage: Uint8Array): string {
  const reader = new ElementReader(stage);
  const name = reader.next() ? reader.name() : '';
  if (STAGES.has(name)) return name;
  throw new CommandError('InvalidOptions', `${name} is not allowed to be used within an update`);
}

/** A field that one stage removes and a later one sets again has kept its place. Source: recorded replies. */
function inFormerOrder(before: Uint8Array, after: Uint8Array): Uint8Array {
  const fields = new Map<string, RawValue>();
  const reader = new ElementReader(after);
  while (reader.next()) fields.set(reader.name(), reader.value());
  const writer = new BsonWriter().startDocument();
  const former = new ElementReader(before);
  while (former.next()) {
    const name = former.name();
    const value = fields.get(name);
    if (value !== undefined) writer.value(name, value);
    fields.delete(name);
  }
  for (const [name, value] of fields) writer.value(name, value);
  return writer.endDocument().finish();
}

function withIdFirst(before: Uint8Array, after: Uint8Array): Uint8Array {
  const id = findField(after, ID_FIELD) ?? findField(before, ID_FIELD);
  const first = new ElementReader(after);
  if (id === undefined || (first.next() && first.nameEquals(ID_FIELD))) return after;
  const writer = new BsonWriter().startDocument().value(ID_FIELD, id);
  const reader = new ElementReader(after);
  while (reader.next()) if (!reader.nameEquals(ID_FIELD)) writer.element(after, reader.elementStart, reader.end);
  return writer.endDocument().finish();
}

/** The entry for the oplog; undefined when it would be larger than the new document itself. */
export function diffOfDocuments(before: Uint8Array, after: Uint8Array): Uint8Array | undefined {
  const edits = documentDiff(rawObject(before), rawObject(after));
  const diff = writeDiff(edits);
  const isExact = diff.length < after.length && equalBytes(applyEdits(before, edits), after);
  return isExact ? diff : undefined;
}
