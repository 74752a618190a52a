import { CommandError } from '../../base/command_error.ts';
import { TIMESTAMP_MAX } from '../../base/optime.ts';
import { ElementReader, isEmptyDocument } from '../../bson/elements.ts';
import { RAW_MIN_KEY } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { Collection } from '../../database/catalog/collection.ts';
import type { Hint } from '../../database/planner/plan.ts';
import { openFind, type RunningQuery } from '../../database/run/running_query.ts';
import { Turn } from '../../database/turn.ts';
import { refuseView } from '../../database/catalog/views.ts';
import { compileFilter } from '../../query/matcher.ts';
import { PAUSE } from '../../query/pipeline/source.ts';
import { Arguments } from '../arguments.ts';
import type { Command, CommandContext, CommandRequest } from '../context.ts';
import { runToEnd } from '../query/cursor_reply.ts';
import { EMPTY_DOCUMENT } from '../empty_document.ts';

export const dataSizeCommand: Command = {
  name: 'dataSize',
  aliases: ['datasize'],
  secondary: 'optIn',
  help: 'the bytes of the documents of a collection, or of a range of one of its indexes',
  run(request, context, reply) {
    const startedAt = context.env.clock.monotonic();
    const options = parseOptions(request);
    const millis = (): number => Math.round(context.env.clock.monotonic() - startedAt);
    const collection = context.data.catalog.find(options.ns);
    if (collection === undefined) refuseView(context.data.catalog, options.ns);
    if (collection === undefined || collection.count === 0) {
      reply.int64('size', 0).int64('numObjects', 0).int64('millis', millis());
      return undefined;
    }
    const measure = measureOf(collection, options, context);
    const write = (): void => {
      reply.bool('estimate', options.isEstimate).int64('size', measure.size).int64('numObjects', measure.objects);
      if (measure.isCut) reply.bool('maxReached', true);
      reply.int64('millis', millis());
    };
    const waiting = measure.run(context);
    if (waiting === undefined) write();
    return waiting?.then(write);
  },
};

interface DataSizeOptions {
  readonly ns: string;
  readonly keyPattern: Uint8Array;
  readonly min: Uint8Array;
  readonly max: Uint8Array;
  readonly isEstimate: boolean;
  /** Infinity when there is none. */
  readonly sizeMax: number;
  readonly objectsMax: number;
}

function parseOptions(request: CommandRequest): DataSizeOptions {
  const documents = { keyPattern: EMPTY_DOCUMENT, min: EMPTY_DOCUMENT, max: EMPTY_DOCUMENT };
  let isEstimate = false;
  let sizeMax = Infinity;
  let objectsMax = Infinity;
  const args = Arguments.ofCommand('dataSize', request.body);
  while (args.next()) {
    const { name } = args;
    if (name === 'keyPattern' || name === 'min' || name === 'max') documents[name] = args.document();
    else if (name === 'estimate') isEstimate = args.flag();
    else if (name === 'maxSize') sizeMax = args.integer() || Infinity;
    else if (name === 'maxObjects') objectsMax = args.integer() || Infinity;
    else args.refuseUnknown();
  }
  return { ns: namespaceOf(request), ...documents, isEstimate, sizeMax, objectsMax };
}

/** The whole namespace is given. */
function namespaceOf({ body }: CommandRequest): string {
  const args = Arguments.ofDocument('dataSize', body, 0);
  args.next();
  const ns = args.string();
  const dot = ns.indexOf('.');
  if (dot > 0 && dot < ns.length - 1) return ns;
  throw new CommandError('InvalidNamespace', `Invalid namespace specified '${ns}'`);
}

/** What is counted, once it ran. */
interface Measure {
  size: number;
  objects: number;
  /** Whether it ended at `maxSize` or `maxObjects`. */
  isCut: boolean;
  run(context: CommandContext): Promise<void> | undefined;
}

function measureOf(collection: Collection, options: DataSizeOptions, context: CommandContext): Measure {
  const { min, max, sizeMax, objectsMax, isEstimate } = options;
  if (isEmptyDocument(min) !== isEmptyDocument(max)) {
    throw new CommandError('BadValue', 'Only one of min or max specified');
  }
  const isLimited = sizeMax !== Infinity || objectsMax !== Infinity;
  if (isEmptyDocument(min) && (isEstimate || !isLimited)) {
    const { dataSizeBytes: size, count: objects } = collection;
    return { size, objects, isCut: false, run: () => undefined };
  }
  return walk(collection, options, context);
}

function walk(collection: Collection, options: DataSizeOptions, { data, env }: CommandContext): Measure {
  const { isEstimate, sizeMax, objectsMax } = options;
  const turn = new Turn(env.clock);
  const readAt = () => (collection.isReplicated ? data.readTimestamp : TIMESTAMP_MAX);
  const filter = compileFilter(EMPTY_DOCUMENT);
  const whole = { collection, filter, sort: undefined, projection: undefined, skip: 0, limit: Infinity };
  const query: RunningQuery = openFind({ ...whole, ...rangeOf(collection, options), at: readAt(), turn });
  const average = Math.floor(collection.dataSizeBytes / collection.count);
  const advance = (): 'done' | 'pause' => {
    for (;;) {
      const document = query.source.next();
      if (document === PAUSE) return 'pause';
      if (document === undefined) return 'done';
      measure.size += isEstimate ? average : document.length;
      measure.objects += 1;
      measure.isCut = measure.size > sizeMax || measure.objects > objectsMax;
      if (measure.isCut) return 'done';
    }
  };
  const measure: Measure = {
    size: 0,
    objects: 0,
    isCut: false,
    run: (context) =>
      runToEnd(advance, context, () => {
        if (collection.gone !== undefined) throw new CommandError('QueryPlanKilled', collection.gone);
        turn.restart();
        query.moveTo(readAt());
      }),
  };
  return measure;
}

/** The index that begins with the fields of the pattern, and the keys in it between which to look. */
function rangeOf(collection: Collection, { keyPattern, min, max }: DataSizeOptions) {
  if (isEmptyDocument(min)) return { hint: undefined };
  const wanted = namesOf(isEmptyDocument(keyPattern) ? min : keyPattern);
  const isPrefix = (paths: readonly string[]): boolean => wanted.every((name, i) => paths[i] === name);
  const index = collection.indexes.find(({ spec, multikey }) => {
    const isPlain = spec.kind.name === 'btree' && !spec.isSparse && spec.partialFilter === undefined;
    return isPlain && !multikey.isMultikey && isPrefix(spec.fields.map(({ path }) => path));
  });
  const paths = index === undefined ? ['_id'] : index.spec.fields.map(({ path }) => path);
  if (index === undefined && !isPrefix(paths)) {
    throw new CommandError('OperationFailed', "Couldn't find valid index containing key pattern");
  }
  const hint: Hint = { kind: 'index', index };
  return { hint, limits: { min: extended(min, paths), max: extended(max, paths), collation: undefined } };
}

function namesOf(document: Uint8Array): string[] {
  const names: string[] = [];
  const reader = new ElementReader(document);
  while (reader.next()) names.push(reader.name());
  return names;
}

/** With the lowest value for the fields of the index that it does not name. */
function extended(limit: Uint8Array, paths: readonly string[]): Uint8Array {
  const writer = new BsonWriter().startDocument();
  const reader = new ElementReader(limit);
  let given = 0;
  for (; reader.next(); given++) writer.element(reader.bytes, reader.elementStart, reader.end);
  for (const path of paths.slice(given)) writer.value(path, RAW_MIN_KEY);
  return writer.endDocument().finish();
}
