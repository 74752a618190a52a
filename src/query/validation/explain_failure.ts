/**
 * Why a document failed validation, in the form that MongoDB reports it (`errInfo.details`): for each condition that was
 * not met its operator, how it was written, the reason, and the values it looked at.
 *
 * The validator is read again clause by clause, and each clause is compiled on its own to see whether it failed: that is
 * slow, and done only after a failure. Under a negation everything is said the other way round.
 */
import { CommandError } from '../../base/command_error.ts';
import { rawObject } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { compileExpression } from '../expression.ts';
import { compileFilter } from '../matcher.ts';
import { clauseOf, type Clause } from './clauses.ts';
import { explainLeaf } from './explain_leaf.ts';
import { explainSchema } from './explain_schema.ts';
import type { Explaining } from './explaining.ts';

/** Longer explanations leave out conditions and values. Source: the server's limit of 12 MiB. */
const EXPLANATION_SIZE_BYTES_MAX = 12 * 2 ** 20;

/** `details` of the failure of `document` against `filter`, which does not match it. */
export function explainFailure(filter: Uint8Array, document: Uint8Array): Uint8Array {
  const clause = clauseOf(rawObject(filter));
  const details = explain(clause, { document, isInverted: false, isShort: false });
  if (details.length <= EXPLANATION_SIZE_BYTES_MAX) return details;
  return explain(clause, { document, isInverted: false, isShort: true });
}

function explain(clause: Clause, explaining: Explaining): Uint8Array {
  switch (clause.kind) {
    case 'leaf':
      return explainLeaf(clause, explaining);
    case 'document':
      return explainDocument(clause, explaining);
    case 'not': {
      const details = explain(clause.clause, { ...explaining, isInverted: !explaining.isInverted });
      const writer = new BsonWriter().startDocument().string('operatorName', '$not');
      return writer.document('details', details).endDocument().finish();
    }
    case 'list':
      return explainList(clause, explaining);
  }
}

function explainList(list: Extract<Clause, { kind: 'list' }>, explaining: Explaining): Uint8Array {
  const { operator, clauses } = list;
  const { isInverted } = explaining;
  const inner = { ...explaining, isInverted: operator === '$nor' ? !isInverted : isInverted };
  const writer = new BsonWriter().startDocument().string('operatorName', operator);
  writer.startArray(isInverted ? 'clausesSatisfied' : 'clausesNotSatisfied');
  let count = 0;
  for (const [i, clause] of clauses.entries()) {
    if (matches(clause, explaining.document) !== inner.isInverted) continue;
    writer.startSubdocument(count).int32('index', i).document('details', explain(clause, inner)).end();
    count += 1;
  }
  return writer.end().endDocument().finish();
}

/** A clause that cannot be evaluated counts as one that did not match. */
function matches(clause: Clause, document: Uint8Array): boolean {
  switch (clause.kind) {
    case 'list':
      if (clause.operator === '$and') return clause.clauses.every((one) => matches(one, document));
      return clause.clauses.some((one) => matches(one, document)) === (clause.operator === '$or');
    case 'not':
      return !matches(clause.clause, document);
    default:
      try {
        return compileFilter(clause.filter).matcher.matches(document, 0);
      } catch (error) {
        if (error instanceof CommandError) return false;
        throw error;
      }
  }
}

function explainDocument(clause: Extract<Clause, { kind: 'document' }>, explaining: Explaining): Uint8Array {
  const { operator, operand, filter } = clause;
  const { document, isInverted, isShort } = explaining;
  if (operator === '$jsonSchema') return explainSchema(operand, explaining);
  const writer = new BsonWriter().startDocument().string('operatorName', operator);
  if (!isShort) writer.document('specifiedAs', filter);
  if (operator !== '$expr') {
    const always = isInverted ? 'true' : 'false';
    return writer.string('reason', `expression always evaluates to ${always}`).endDocument().finish();
  }
  try {
    const result = compileExpression(operand).evaluate(document);
    writer.string('reason', isInverted ? 'expression did match' : 'expression did not match');
    if (result !== undefined) writer.value('expressionResult', result);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    writer.string('reason', 'failed to evaluate aggregation expression').startSubdocument('details');
    writer.string('codeName', error.codeName).int32('code', error.code).string('errmsg', error.message).end();
  }
  return writer.endDocument().finish();
}
