import { CommandError } from '../../base/command_error.ts';
import { BSON_OBJECT_SIZE_BYTES_MAX } from '../../base/limits.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { BSON_TYPE, type ValueSpan } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import { resolveHint } from '../../database/planner/plan.ts';
import { openDistinct } from '../../database/run/distinct_query.ts';
import { fixedQuery, ListSource, MatchSource, type RunningQuery } from '../../database/run/running_query.ts';
import { Turn } from '../../database/turn.ts';
import { resolveView } from '../../database/catalog/views.ts';
import { compileFilter } from '../../query/matcher.ts';
import { PAUSE } from '../../query/pipeline/source.ts';
import type { ValueOrder } from '../../query/value_order.ts';
import { Arguments } from '../arguments.ts';
import type { Command, CommandRequest } from '../context.ts';
import { readPoint, runToEnd, virtualDocuments, type CursorRequest } from './cursor_reply.ts';
import { EMPTY_DOCUMENT } from '../empty_document.ts';
import { valueOrderFor, viewOrderFor } from './collation_argument.ts';
import { expressionScope } from './expression_scope.ts';
import { missingField } from '../fields.ts';
import { readNamespace } from '../namespace.ts';
import { matchStage, openView, resumeView } from './view_query.ts';
import { refuseTextWithoutCollection } from '../../database/text_without_collection.ts';

export const distinctCommand: Command = {
  name: 'distinct',
  secondary: 'optIn',
  readConcerns: ['available', 'majority', 'linearizable'],
  help: 'lists the different values of a field',
  run(request, context, reply) {
    const { data } = context;
    const ns = readNamespace(request, data);
    const distinct = parseDistinct(request);
    const readAt = readPoint(request, context, ns);
    const turn = new Turn(context.env.clock);
    const collection = data.catalog.find(ns);
    const view = collection === undefined ? resolveView(data.catalog, ns) : undefined;
    const { collation } = distinct;
    const order = view === undefined ? valueOrderFor(collation, collection) : viewOrderFor(collation, view);
    const scope = expressionScope(context, { order, turn });
    const filter = compileFilter(distinct.query, scope);
    let query: RunningQuery;
    let subjects: CursorRequest['subjects'] = collection === undefined ? [] : [collection];
    if (view !== undefined) {
      const stages = [matchStage(distinct.query)];
      const read = { stages, scope, hint: distinct.hint, readAt, turn };
      ({ query, subjects } = openView(view, read, context));
    } else if (collection === undefined) {
      refuseTextWithoutCollection(filter, ns);
      const documents = virtualDocuments(ns, data, readAt()) ?? [];
      query = fixedQuery(new MatchSource(new ListSource(documents), filter), turn);
    } else {
      const hint = distinct.hint === undefined ? undefined : resolveHint(distinct.hint, collection);
      query = openDistinct(
        { collection, filter, hint, at: readAt(), turn },
        distinct.key,
        order.collation === undefined,
      );
    }
    const values = new DistinctValues(distinct.key, { query, order, reply, turn });
    reply.startArray('values');
    const resume = (): void => resumeView({ query, subjects }, turn, readAt);
    const waiting = runToEnd(() => values.advance(), context, resume);
    if (waiting === undefined) reply.end();
    return waiting?.then(() => void reply.end());
  },
};

interface Distinct {
  readonly key: string;
  readonly query: Uint8Array;
  readonly hint: RawValue | undefined;
  readonly collation: Uint8Array | undefined;
}

/** Throws CommandError for bad arguments. */
export function parseDistinct(request: CommandRequest): Distinct {
  let key: string | undefined;
  let query = EMPTY_DOCUMENT;
  let hint: RawValue | undefined;
  let collation: Uint8Array | undefined;
  const args = Arguments.ofCommand('distinct', request.body);
  while (args.next()) {
    if (args.name === 'key') key = args.string();
    else if (args.name === 'query') query = args.value.type === BSON_TYPE.null ? EMPTY_DOCUMENT : args.document();
    else if (args.name === 'hint') hint = args.hint();
    else if (args.name === 'collation') collation = args.document();
    else args.refuseUnknown();
  }
  if (key === undefined) throw missingField('distinct.key');
  if (key.includes('\0')) throw new CommandError(31_032, 'Key field cannot contain an embedded null byte');
  return { key, query, hint, collation };
}

interface DistinctRun {
  readonly query: RunningQuery;
  readonly order: ValueOrder;
  readonly reply: BsonWriter;
  readonly turn: Turn;
}

/** An array whose items are being looked at. */
interface OpenArray {
  readonly items: ElementReader;
  readonly depth: number;
}

/** Writes each value once, as it is first met, into the array that is open. Arrays may be large: it pauses inside of them. */
class DistinctValues {
  readonly #segments: readonly string[];
  readonly #names: readonly Uint8Array[];
  readonly #query: RunningQuery;
  readonly #reply: BsonWriter;
  readonly #seen = new Set<string>();
  readonly #order: ValueOrder;
  /** Inside each other, the innermost last. */
  readonly #open: OpenArray[] = [];
  readonly #turn: Turn;
  #sizeBytes = 0;

  constructor(path: string, { query, order, reply, turn }: DistinctRun) {
    this.#segments = path.split('.');
    this.#names = this.#segments.map((segment) => fieldName(segment));
    this.#query = query;
    this.#order = order;
    this.#reply = reply;
    this.#turn = turn;
  }

  advance(): 'done' | 'pause' {
    for (;;) {
      if (!this.#walkOpen()) return 'pause';
      const document = this.#query.source.next();
      if (document === PAUSE) return 'pause';
      if (document === undefined) return 'done';
      this.#walkObject(document, 0, 0);
    }
  }

  #walkObject(bytes: Uint8Array, at: number, depth: number): void {
    const value = findField(bytes, this.#names[depth], at);
    if (value !== undefined) this.#walkValue(value, depth + 1);
  }

  #walkValue(value: ValueSpan, depth: number): void {
    const isLast = depth === this.#names.length;
    if (value.type === BSON_TYPE.array) this.#openArray(value, depth);
    else if (isLast) this.#add(value);
    else if (value.type === BSON_TYPE.object) this.#walkObject(value.bytes, value.start, depth);
  }

  #openArray(array: ValueSpan, depth: number): void {
    this.#open.push({ items: new ElementReader(array.bytes, array.start), depth });
    // The one item that the path may mean by its index comes first.
    if (depth === this.#names.length || !/^(0|[1-9]\d*)$/.test(this.#segments[depth])) return;
    const item = findField(array.bytes, this.#names[depth], array.start);
    if (item !== undefined) this.#walkValue(item, depth + 1);
  }

  /** False when the turn is over before the arrays that are open are done with. */
  #walkOpen(): boolean {
    for (let open = this.#open.at(-1); open !== undefined; open = this.#open.at(-1)) {
      if (this.#turn.isOver()) return false;
      const { items, depth } = open;
      if (!items.next()) this.#open.pop();
      else if (depth === this.#names.length) this.#add(items);
      else if (items.type === BSON_TYPE.object) this.#walkObject(items.bytes, items.start, depth);
    }
    return true;
  }

  #add(value: ValueSpan): void {
    const key = this.#order.keyOf(value);
    if (this.#seen.has(key)) return;
    this.#sizeBytes += value.end - value.start;
    if (this.#sizeBytes > BSON_OBJECT_SIZE_BYTES_MAX) throw new CommandError(17_217, 'distinct too big, 16mb cap');
    this.#reply.value(this.#seen.size, value);
    this.#seen.add(key);
  }
}
