/** The plan of queries with `$text`: the words are looked up in the collection's one text index. */
import { CommandError } from '../../base/command_error.ts';
import { KeyWriter } from '../../bson/key.ts';
import { rawString } from '../../bson/value.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import { compilePredicate } from '../../query/match/compile.ts';
import { describeQuery } from '../../query/match/describe_predicate.ts';
import { conjunction, type Predicate } from '../../query/match/predicate.ts';
import { specialConditionsOf } from '../../query/match/special_conditions.ts';
import { filterOf } from '../../query/matcher.ts';
import { noTextIndex, type TextCondition } from '../../query/match/text_condition.ts';
import { TextFields } from '../../query/text/text_fields.ts';
import type { TextSearch } from '../../query/text/text_search.ts';
import { accessStages } from '../explain/access_stages.ts';
import { writeStage } from '../explain/stage.ts';
import type { Index } from '../index/index.ts';
import { fieldsBeforeWords, TEXT_PLUGIN } from '../index_kinds/text.ts';
import type { KeyRange } from '../key_range.ts';
import { tryPlans } from './plan_trial.ts';
import type { Plan } from './access.ts';
import { conjunctsOf } from './conditions.ts';
import { solutionsOf } from './solutions.ts';
import { openScan } from '../scan/scan.ts';
import { listsMatches, pinnedPrefix, visibleIndexes } from './special_index.ts';
import type { SpecialAccess, SpecialPlanner, SpecialRequest } from './special_plan.ts';
import { ScoredScan, TextScan } from '../scan/text_scan.ts';
import { UnionScan } from '../scan/union_scan.ts';

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

/** One of several conditions is the search: each of the others needs an index of its own. */
function alternativeAccess(index: Index, fields: TextFields, request: SpecialRequest): SpecialAccess {
  const found = alternativeIn(request.filter.predicate);
  if (found === undefined) throw unusable(request);
  const search = found.condition.bind(fields);
  const matcher = compilePredicate(request.filter.predicate);
  const prefix = pinnedPrefix(index, fieldsBeforeWords(index.spec.fields), {
    ...request,
    filter: filterOf(conjunction([request.filter.predicate, found.child])),
  });
  if (prefix === undefined) throw unusable(request);
  const ranges = search.indexTerms.map((term) => rangeOf(prefix, term));
  const plans = found.others.map((other) => planFor(other, request));
  return {
    kind: 'special',
    index,
    isOrdered: false,
    open(target) {
      const unmatched = { ...target, matcher: undefined };
      const scans = plans.map(({ access }) => openScan({ ...unmatched, access, turn: target.turn }));
      const union = new UnionScan({ ...target, matcher }, [new TextScan(unmatched, index.table, ranges), ...scans]);
      return new ScoredScan(union, search, found.condition);
    },
    explain(writer) {
      writer.string('stage', 'FETCH').startSubdocument('inputStage').string('stage', 'OR').startArray('inputStages');
      writer.startSubdocument(0);
      explainText(index, search, writer);
      writer.end();
      for (const [i, plan] of plans.entries()) {
        writer.startSubdocument(i + 1);
        writeStage(accessStages(plan, undefined), writer, false);
        writer.end();
      }
      writer.end().end();
    },
  };
}

/** A disjunction with the search in it. */
interface Alternatives {
  readonly condition: TextCondition;
  /** The alternative with the search. */
  readonly child: Predicate;
  readonly others: readonly Predicate[];
}

/** The search in one of the `$or`s of the filter; undefined when it is in none, as under `$nor`. */
function alternativeIn(predicate: Predicate): Alternatives | undefined {
  for (const conjunct of conjunctsOf(predicate)) {
    if (conjunct.kind !== 'or') continue;
    for (const child of conjunct.children) {
      const others = conjunct.children.filter((other) => other !== child);
      const own = conjunctsOf(child).find((one) => one.kind === 'document' && one.text !== undefined);
      if (own?.kind === 'document' && own.text !== undefined) return { condition: own.text, child, others };
      const inner = alternativeIn(child);
      if (inner !== undefined) return { ...inner, others: [...others, ...inner.others] };
    }
  }
  return undefined;
}

/** Where the records of an alternative without a search are. */
function planFor(predicate: Predicate, request: SpecialRequest): Plan {
  const { collection, at } = request;
  const filter = filterOf(predicate);
  const plans = solutionsOf({ collection, filter, at, sort: undefined, only: undefined, allowed: undefined });
  const [first] = plans;
  if (first === undefined) {
    throw new CommandError(
      'NoQueryExecutionPlans',
      `${queryText(request)} planner returned error :: caused by :: Failed to produce a solution for TEXT under OR - ` +
        'other non-TEXT clauses under OR have to be indexed as well.',
    );
  }
  return plans.length === 1 ? first : tryPlans(plans, { collection, filter, at }).winner;
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
