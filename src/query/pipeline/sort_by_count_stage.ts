/** `$sortByCount: expression`: `$group` by it with a count, the largest first. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { rawInt32, rawObject, stringOf, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { groupStage } from './group_stage.ts';
import { sortStage } from './sort_stage.ts';
import type { StageKind } from './stage.ts';

const ONE = rawInt32(1);

export const sortByCountStage: StageKind = {
  name: '$sortByCount',
  parse(operand, context) {
    checkOperand(operand);
    const group = new BsonWriter().startDocument().value('_id', operand).startSubdocument('count').value('$sum', ONE);
    const sort = new BsonWriter().startDocument().int32('count', -1).endDocument().finish();
    const groups = groupStage.parse(rawObject(group.end().endDocument().finish()), context);
    const sorted = sortStage.parse(rawObject(sort), context);
    return { kind: 'other', open: (source) => sorted.open(groups.open(source, Infinity), Infinity) };
  },
};

function checkOperand(operand: RawValue): void {
  if (operand.type === BSON_TYPE.object) {
    const first = new ElementReader(operand.bytes, operand.start);
    if (first.next() && first.name().startsWith('$')) return;
    throw new CommandError(
      40147,
      'the sortByCount field must be defined as a $-prefixed path or an expression inside an object',
    );
  }
  if (operand.type !== BSON_TYPE.string) {
    throw new CommandError(40149, 'the sortByCount field must be specified as a string or as an object');
  }
  if (!stringOf(operand).startsWith('$')) {
    throw new CommandError(
      40148,
      'the sortByCount field must be defined as a $-prefixed path or an expression inside an object',
    );
  }
}
