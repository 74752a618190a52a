/** Making and changing views: the document that defines one, checked. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { rawString } from '../../bson/value.ts';
import { equalBytes } from '../../bson/bytes.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { databaseOf } from '../../database/catalog/collection.ts';
import type { MemberData } from '../../database/member_data.ts';
import { checkViewGraph, findView, viewOfDocument, viewsNamespace } from '../../database/catalog/views.ts';
import { createCollection } from '../../database/write/write_catalog.ts';
import { deleteDocument, findById, insertDocument, updateDocument } from '../../database/write/write_documents.ts';
import { compilePipeline } from '../../query/pipeline.ts';
import type { CommandContext } from '../context.ts';
import { expressionScope } from '../query/expression_scope.ts';
import { pipelineSettings } from '../query/foreign_collections.ts';

export interface ViewDefinition {
  readonly ns: string;
  /** A name in the same database. */
  readonly viewOn: string;
  readonly pipeline: readonly Uint8Array[];
  /** With all its fields; undefined for simple comparison. */
  readonly collation: Uint8Array | undefined;
}

/** Stores a new view. Throws for a definition that cannot be used; its name must be free. */
export function createView(definition: ViewDefinition, context: CommandContext): void {
  const { data } = context;
  const document = checkedDocument(definition, context);
  const systemNs = viewsNamespace(databaseOf(definition.ns));
  const collection = data.catalog.find(systemNs) ?? createCollection(data, systemNs);
  insertDocument(data, collection, document);
}

/** Replaces the definition of a view that is there. */
export function changeView(definition: ViewDefinition, context: CommandContext): void {
  const { data } = context;
  const document = checkedDocument(definition, context);
  const { collection, found } = storedView(data, definition.ns);
  updateDocument(data, collection, found, { document, diff: undefined });
}

export function dropView(data: MemberData, ns: string): void {
  const { collection, found } = storedView(data, ns);
  deleteDocument(data, collection, found);
}

function storedView(data: MemberData, ns: string) {
  const collection = data.catalog.find(viewsNamespace(databaseOf(ns)));
  const found = collection === undefined ? undefined : findById(collection, collection.idKey(rawString(ns)));
  if (collection === undefined || found === undefined) throw new CommandError('NamespaceNotFound', 'ns not found');
  return { collection, found };
}

/** Whether the view that is there was defined by the same. */
export function isSameView(definition: ViewDefinition, data: MemberData): boolean {
  return equalBytes(storedView(data, definition.ns).found.document, documentOf(definition));
}

function checkedDocument(definition: ViewDefinition, context: CommandContext): Uint8Array {
  const { viewOn } = definition;
  if (viewOn === '') throw new CommandError('BadValue', "'viewOn' cannot be empty");
  if (viewOn.includes('$') || viewOn.startsWith('.') || viewOn.includes('\0')) {
    throw new CommandError('InvalidNamespace', `invalid name for 'viewOn': ${viewOn}`);
  }
  const document = documentOf(definition);
  checkPipeline(definition, context);
  checkViewGraph(context.data.catalog, viewOfDocument(document));
  return document;
}

/** As system.views keeps it. */
function documentOf({ ns, viewOn, pipeline, collation }: ViewDefinition): Uint8Array {
  const writer = new BsonWriter().startDocument().string('_id', ns).string('viewOn', viewOn).startArray('pipeline');
  for (const [i, stage] of pipeline.entries()) writer.document(i, stage);
  writer.end();
  if (collation !== undefined) writer.document('collation', collation);
  return writer.endDocument().finish();
}

/** Stages that write, or that follow changes, are for commands only. */
function checkPipeline({ ns, pipeline }: ViewDefinition, context: CommandContext): void {
  try {
    for (const [i, stage] of pipeline.entries()) checkStage(ns, stage, i);
    compilePipeline(pipeline, {
      ...pipelineSettings(ns, expressionScope(context), context),
      collections: {
        open: () => {
          throw new CommandError('InternalError', 'a view is not read while it is made');
        },
      },
    });
  } catch (error) {
    if (!(error instanceof CommandError) || error.code === UNRECOGNIZED_STAGE) throw error;
    const text = `Invalid pipeline for view ${ns} :: caused by :: ${error.message}`;
    throw new CommandError(error.code, text, error.details, { cause: error });
  }
}

const UNRECOGNIZED_STAGE = 40_324;
const WRITING_STAGES = new Set(['$out', '$merge']);

function checkStage(ns: string, stage: Uint8Array, index: number): void {
  const reader = new ElementReader(stage);
  const name = reader.next() ? reader.name() : '';
  if (name === '$changeStream') {
    throw new CommandError('OptionNotSupportedOnView', '$changeStream cannot be used in a view definition');
  }
  if (!WRITING_STAGES.has(name)) return;
  const where = `The aggregation stage ${name} in location ${index} of the pipeline`;
  const text = `${where} cannot be used in the view definition of ${ns} because it writes to disk`;
  throw new CommandError('OptionNotSupportedOnView', text);
}

/** Throws NamespaceExists when there is a view of that name. */
export function refuseExistingView(data: MemberData, ns: string): void {
  if (findView(data.catalog, ns) === undefined) return;
  throw new CommandError('NamespaceExists', `A view already exists. NS: ${ns}`);
}
