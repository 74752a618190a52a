/** The plan of queries with `$text`: the words are looked up in the collection's one text index. */
import { CommandError } from '../base/command_error.ts';
import { KeyWriter } from '../bson/key.ts';
import { rawString } from '../bson/value.ts';
import type { BsonWriter } from '../bson/writer.ts';
import { compilePredicate } from '../query/match/compile.ts';
import { describeQuery } from '../query/match/describe_predicate.ts';
import type { Predicate } from '../query/match/predicate.ts';
import { specialConditionsOf } from '../query/match/special_conditions.ts';
import { noTextIndex, type TextCondition } from '../query/match/text_condition.ts';
import { TextFields } from '../query/text/text_fields.ts';
import type { TextSearch } from '../query/text/text_search.ts';
import { CollectionScan } from './collection_scan.ts';
import type { Index } from './index.ts';
import { fieldsBeforeWords, TEXT_PLUGIN } from './index_kinds/text.ts';
import type { KeyRange } from './key_range.ts';
import { conditionsOf, conjunctsOf } from './planner/conditions.ts';
import { listsMatches, pinnedPrefix, visibleIndexes } from './special_index.ts';
import type { SpecialAccess, SpecialPlanner, SpecialRequest } from './special_plan.ts';
import { ScoredScan, TextScan } from './text_scan.ts';

export const textPlanner: SpecialPlanner = {
  claims: (filter) => specialConditionsOf(filter.predicate).texts > 0,
  plan(request) {
    const { predicate } = request.filter;
    checkQuery(request);
    const index = visibleIndexes(request).find(({ spec }) => spec.kind.name === TEXT_PLUGIN);
    if (index === undefined) throw noTextIndex();
    if (!listsMatches(index, request)) throw unusable(request);
    const fields = new TextFields(index.spec.document);
    const conjunct = conjunctsOf(predicate).find((one) => one.kind === 'document' && one.text !== undefined);
    if (conjunct?.kind === 'document' && conjunct.text !== undefined) {
      const search = conjunct.text.bind(fields);
      return lookupAccess({ index, search, condition: conjunct.text }, request);
    }
    return alternativeAccess(index, fields, request);
  },
};

function checkQuery({ filter, hintKind }: SpecialRequest): void {
  const { nears, texts } = specialConditionsOf(filter.predicate);
  const refused = (text: string): CommandError => new CommandError('BadValue', text);
  if (texts > 1) throw refused('Too many text expressions');
  if (nears > 0) throw refused('text and geoNear not allowed in same query');
  if (hintKind === 'natural') throw refused('text expression not allowed with $natural sort order');
  if (hintKind !== undefined) throw refused('text and hint not allowed in same query');
}

interface Lookup {
  readonly index: Index;
  readonly search: TextSearch;
  readonly condition: TextCondition;
}

/** The usual case: every match has one of the words. */
function lookupAccess({ index, search, condition }: Lookup, request: SpecialRequest): SpecialAccess {
  const { predicate } = request.filter;
  const matcher = compilePredicate(withIndexed(predicate, search));
  const prefix = pinnedPrefix(index, fieldsBeforeWords(index.spec.fields), request);
  if (prefix === undefined) throw unusable(request);
  const ranges = search.indexTerms.map((term) => rangeOf(prefix, term));
  return {
    kind: 'special',
    index,
    isOrdered: false,
    open: (target) => new ScoredScan(new TextScan({ ...target, matcher }, index.table, ranges), search, condition),
    explain: (writer) => explainText(index, search, writer),
  };
}

/** The filter, when it is known that a document has one of the words. */
function withIndexed(predicate: Predicate, search: TextSearch): Predicate {
  if (predicate.kind === 'and') {
    return { kind: 'and', children: predicate.children.map((child) => withIndexed(child, search)) };
  }
  if (predicate.kind !== 'document' || predicate.text === undefined) return predicate;
  return {
    kind: 'document',
    operator: predicate.operator,
    matches: (bytes, at) => search.matchesIndexed(at === 0 ? bytes : bytes.subarray(at)),
  };
}

/** Everything in the index under one word; scores descend when it is read backwards. */
function rangeOf(prefix: Uint8Array, term: string): KeyRange {
  const writer = new KeyWriter().appendBytes(prefix).append(rawString(term));
  const from = writer.finish();
  // What follows in a key is a number, which starts with a smaller byte.
  return { from, to: writer.appendBytes(Uint8Array.of(0xff)).finish() };
}

/** A search among alternatives: all documents are looked at, but only if indexes could answer the other ones. */
function alternativeAccess(index: Index, fields: TextFields, request: SpecialRequest): SpecialAccess {
  const { filter } = request;
  const condition = alternativeIn(filter.predicate, request);
  if (condition === undefined) throw unusable(request);
  const search = condition.bind(fields);
  const matcher = compilePredicate(filter.predicate);
  return {
    kind: 'special',
    index,
    isOrdered: false,
    open: (target) => new ScoredScan(new CollectionScan({ ...target, matcher }, false), search, condition),
    explain: (writer) => explainText(index, search, writer),
  };
}

/** The search in one of the `$or`s of the filter; undefined when it is in none, as under `$nor`. */
function alternativeIn(predicate: Predicate, request: SpecialRequest): TextCondition | undefined {
  for (const conjunct of conjunctsOf(predicate)) {
    if (conjunct.kind !== 'or') continue;
    for (const child of conjunct.children) {
      const own = conjunctsOf(child).find((one) => one.kind === 'document' && one.text !== undefined);
      const found = own?.kind === 'document' ? own.text : alternativeIn(child, request);
      if (found === undefined) continue;
      const others = conjunct.children.filter((other) => other !== child);
      if (others.every((other) => isIndexed(other, request))) return found;
      throw new CommandError(
        'NoQueryExecutionPlans',
        `${queryText(request)} planner returned error :: caused by :: Failed to produce a solution for TEXT under OR - ` +
          'other non-TEXT clauses under OR have to be indexed as well.',
      );
    }
  }
  return undefined;
}

function isIndexed(predicate: Predicate, { collection }: SpecialRequest): boolean {
  const firsts = new Set(['_id']);
  for (const { spec } of collection.indexes) {
    if (!spec.isHidden && spec.fields[0].plugin === undefined) firsts.add(spec.fields[0].path);
  }
  return conditionsOf(conjunctsOf(predicate)).some(({ path }) => firsts.has(path));
}

function unusable(request: SpecialRequest): CommandError {
  return new CommandError(
    'NoQueryExecutionPlans',
    `${queryText(request)} planner returned error :: caused by :: failed to use text index to satisfy $text query ` +
      '(if text index is compound, are equality predicates given for all prefix fields?)',
  );
}

function queryText({ collection, filter }: SpecialRequest): string {
  return `error processing query: ${describeQuery(collection.ns, filter.predicate)}`;
}

function explainText(index: Index, search: TextSearch, writer: BsonWriter): void {
  writer.string('stage', 'TEXT_MATCH').startSubdocument('indexPrefix').end();
  writer.string('indexName', index.spec.name).startSubdocument('parsedTextQuery');
  for (const [name, texts] of Object.entries(search.parts)) {
    writer.startArray(name);
    for (const [i, text] of texts.entries()) writer.string(i, text);
    writer.end();
  }
  writer.end().int32('textIndexVersion', new TextFields(index.spec.document).version);
}
