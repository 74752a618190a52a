/** `$documents`: an array of documents in the place of a collection. */
import { CommandError } from '../../base/command_error.ts';
import { copyRange } from '../../bson/bytes.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import { compileExpression } from '../expression.ts';
import { itemsOf } from '../update/array_value.ts';
import { ListSource } from './list_source.ts';
import type { StageKind } from './stage.ts';

const NO_DOCUMENT = Uint8Array.of(5, 0, 0, 0, 0);

export const documentsStage: StageKind = {
  name: '$documents',
  position: 'first',
  notIn: new Set(['facet']),
  isSource: true,
  parse(operand, { scope }) {
    const expression = compileExpression(operand, scope);
    return {
      kind: 'other',
      open(source) {
        source.close();
        const list = expression.evaluate(NO_DOCUMENT);
        if (list?.type !== BSON_TYPE.array) {
          throw new CommandError(5858203, "error during aggregation :: $documents' argument must evaluate to an array");
        }
        const documents = itemsOf(list).map((item) => {
          if (item.type === BSON_TYPE.object) return copyRange(item.bytes, item.start, item.end);
          const type = typeAlias(item.type);
          throw new CommandError(40228, `'newRoot' expression must evaluate to an object, but the type was ${type}`);
        });
        return new ListSource(documents, scope.turn);
      },
    };
  },
};
