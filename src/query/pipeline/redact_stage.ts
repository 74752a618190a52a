/** `$redact`: keeps, drops or descends into each document and subdocument, as its expression says. */
import { CommandError } from '../../base/command_error.ts';
import { copyRange } from '../../bson/bytes.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { maybeStringOf, rawString, type RawValue } from '../../bson/value.ts';
import { BsonWriter, type FieldName } from '../../bson/writer.ts';
import { compileExpression, constantExpression, type Expression } from '../expression.ts';
import { shownValue } from '../expression/text.ts';
import { Work } from '../expression/work.ts';
import { ENDLESS_TURN } from '../pace.ts';
import { MapSource } from './map_source.ts';
import type { StageKind } from './stage.ts';

/** The variables are texts, as in MongoDB. */
const KEEP = 'keep';
const PRUNE = 'prune';
const DESCEND = 'descend';

const VARIABLES: readonly (readonly [string, Expression])[] = [
  ['KEEP', constantExpression(rawString(KEEP))],
  ['PRUNE', constantExpression(rawString(PRUNE))],
  ['DESCEND', constantExpression(rawString(DESCEND))],
];

export const redactStage: StageKind = {
  name: '$redact',
  isOneByOne: true,
  parse(operand, { scope }) {
    const redaction = new Redaction(compileExpression(operand, scope.with(VARIABLES)));
    // One expression for many parts of a document: it cannot be left in the middle.
    const work = new Work(ENDLESS_TURN);
    return { kind: 'other', open: (source) => new MapSource(source, (document) => redaction.document(document), work) };
  },
};

class Redaction {
  readonly #expression: Expression;

  constructor(expression: Expression) {
    this.#expression = expression;
  }

  /** Undefined when nothing of it is kept. The expression sees `document` as its root at every level. */
  document(document: Uint8Array): Uint8Array | undefined {
    const verdict = this.#expression.evaluate(document);
    switch (textOf(verdict)) {
      case KEEP:
        return document;
      case PRUNE:
        return undefined;
      case DESCEND: {
        const writer = new BsonWriter(document.length).startDocument();
        const reader = new ElementReader(document);
        while (reader.next()) this.#value(reader.name(), reader, writer);
        return writer.endDocument().finish();
      }
      default:
        throw new CommandError(
          17053,
          "$redact's expression should not return anything " +
            `aside from the variables $$KEEP, $$DESCEND, and $$PRUNE, but returned ${shownValue(verdict)}`,
        );
    }
  }

  /** Whether it was written. */
  #value(name: FieldName, value: ElementReader, writer: BsonWriter): boolean {
    if (value.type === BSON_TYPE.object) {
      const inner = this.document(copyRange(value.bytes, value.start, value.end));
      if (inner === undefined) return false;
      writer.document(name, inner);
    } else if (value.type === BSON_TYPE.array) {
      writer.startArray(name);
      const items = new ElementReader(value.bytes, value.start);
      let index = 0;
      while (items.next()) if (this.#value(index, items, writer)) index++;
      writer.end();
    } else {
      writer.value(name, value);
    }
    return true;
  }
}

function textOf(value: RawValue | undefined): string | undefined {
  return value === undefined ? undefined : maybeStringOf(value);
}
